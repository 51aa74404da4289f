"""Tasks on their way to workers."""
