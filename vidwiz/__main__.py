"""``python -m vidwiz`` is the command line."""

from vidwiz.cli.main import main

main()
