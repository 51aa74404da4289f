"""What browsers may do with our pages: the headers that say so."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

GOOGLE = "https://accounts.google.com/gsi"
YOUTUBE = "https://www.youtube.com"
YOUTUBE_SCRIPTS = (f"{YOUTUBE}/iframe_api", f"{YOUTUBE}/s/player/")
"""The player's API, and where it loads the rest of itself from; not all that YouTube serves."""
YOUTUBE_FRAMES = ("https://www.youtube-nocookie.com/embed/",)
PICTURES = (
    "data:",
    "https://i.ytimg.com",
    "https://*.googleusercontent.com",
    "https://*.ggpht.com",
)

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""For what is no page."""

_inline = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)


def app_policy(player_api_url: str, *, google: bool) -> str:
    """The web app's: its own files, YouTube's player, and Google's button where it is used."""
    stand_in = [] if _origin(player_api_url) == YOUTUBE else [_origin(player_api_url)]
    return _policy(
        {
            "default-src": ["'none'"],
            "script-src": ["'self'", *YOUTUBE_SCRIPTS, *stand_in, *([f"{GOOGLE}/client"] * google)],
            "frame-src": [*YOUTUBE_FRAMES, *stand_in, *([f"{GOOGLE}/"] * google)],
            "img-src": ["'self'", *PICTURES],
            "connect-src": ["'self'", *([f"{GOOGLE}/"] * google)],
            "style-src": ["'self'", *([f"{GOOGLE}/style"] * google)],
            "font-src": ["'self'"],
            "manifest-src": ["'self'"],
            "worker-src": ["'self'"],
            "base-uri": ["'none'"],
            "form-action": ["'self'"],
            "frame-ancestors": ["'none'"],
        }
    )


def docs_policy(page: bytes) -> str:
    """The API documentation's: our files, and the scripts that are written in the page."""
    return _policy(
        {
            "default-src": ["'none'"],
            "script-src": ["'self'", *_digests(page, b"script")],
            "style-src": ["'self'", "'unsafe-inline'"],  # Swagger UI styles its elements
            "img-src": ["'self'", "data:"],
            "connect-src": ["'self'"],
            "base-uri": ["'none'"],
            "form-action": ["'none'"],
            "frame-ancestors": ["'none'"],
        }
    )


def plain_policy(page: bytes) -> str:
    """A page's that has nothing but its own styles."""
    return f"{NOTHING}; style-src {' '.join(_digests(page, b'style'))}"


def _policy(directives: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{name} {' '.join(dict.fromkeys(its))}" for name, its in directives.items())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _digests(page: bytes, kind: bytes) -> list[str]:
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}'"
        for found, body in _inline.findall(page)
        if found == kind
    ]
