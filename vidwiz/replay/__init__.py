"""The log replayed into tables: rebuild, verify, and the past."""
