"""The benchmark: measures a real server beside the floors it stands on. See README.md."""
