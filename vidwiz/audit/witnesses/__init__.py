"""Other servers that keep our checkpoints, and those that we keep for others."""
