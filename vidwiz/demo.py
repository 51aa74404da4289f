"""Loads a sample: a made-up talk with its transcript, notes on it, and an account."""

from vidwiz.settings import Settings


async def load(settings: Settings, dsn: str) -> str:
    return ""
