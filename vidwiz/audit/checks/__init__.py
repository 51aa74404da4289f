"""What ``vidwiz audit verify`` compares with the log."""
