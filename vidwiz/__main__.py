"""``python -m vidwiz`` is the command line."""

from vidwiz.cli import main

main()
