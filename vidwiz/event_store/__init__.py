"""Executing commands: the transaction that decides, projects and appends, and the log itself."""
