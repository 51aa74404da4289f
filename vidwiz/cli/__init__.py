"""The command line: a file a command, named as the command is."""
