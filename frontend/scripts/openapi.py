"""Prints the server's OpenAPI document, for the web app's types; no server and no database run."""

import asyncio
import sys
from pathlib import Path

from vidwiz.http.app import create_app


async def document() -> str:
    """The document as JSON text, the same for the same routes."""
    answer = await create_app(Path()).test_client().get("/openapi.json")
    return str(await answer.get_data(as_text=True))


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(document()))
