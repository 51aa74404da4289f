"""A sample to look at: a made-up talk, and what loads it."""
