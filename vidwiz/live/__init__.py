"""Tells people, while they look, what changed for them."""
