"""Kills and outages against a real service, with everything counted that its clients were told."""
