"""What follows from events by itself: summaries and AI notes are asked for, at least once."""
