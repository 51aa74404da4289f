"""Readers of caption formats; docs/captions.md is their table of rules."""
