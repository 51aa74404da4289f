"""The web app's files: the file of that name, else its ``index.html``; and ``robots.txt``.

A build names its files from the root of a host. Under a base path the few files that do are sent
with their addresses changed; all others name each other from where they are.
"""

import asyncio
import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest, sha256
from mimetypes import guess_type
from os.path import realpath
from pathlib import Path

from quart import Response, request, send_file
from werkzeug.datastructures import Accept
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from vidwiz.http.errors import envelope
from vidwiz.http.responses.security import plain_policy

ASSETS = "assets/"
FOR_EVER = "public, max-age=31536000, immutable"
"""Of the files whose names hold their hash."""
ASK_ALWAYS = "no-cache"
IDENTITY = "identity"
COMPRESSED = {"br": ".br", "gzip": ".gz"}
"""Encodings, the best first, and how the files of a build that have them end."""
UNNAMED = 0.0001
"""How much a client likes the file as it is that says nothing about it: less than what it names."""
KINDS = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""What a build is made of; the tables of the system differ between hosts."""
ADDRESSES = {
    "index.html": re.compile(rb'(\b(?:href|src)=")(?=/)'),
    "manifest.json": re.compile(rb'(": ")(?=/)'),
}
"""The files that name others from the root, and what stands before the names."""
KEPT_DIGESTS = 1024
ROBOTS_NAME = "robots.txt"
ROBOTS = """\
User-agent: *
Disallow: /api/
Disallow: /admin
Disallow: /profile
Disallow: /share
Allow: /
"""
"""For crawlers, with a build or without; a ``robots.txt`` in the static folder replaces it."""
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>VidWiz</title>
<style>
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 4rem auto }
  code { background: #8882; padding: .1em .3em; border-radius: .2em }
  :root { color-scheme: light dark }
</style>
<h1>VidWiz is running</h1>
<p>The web app is not built yet, but the API is here.</p>
<ul>
  <li><a href="/docs">API documentation</a>, made from <a href="/openapi.json">OpenAPI</a></li>
  <li><a href="/api/health/ready">Health</a> and <a href="/metrics">metrics</a></li>
</ul>
<p>Sign up:</p>
<pre><code>curl -X POST -H 'Content-Type: application/json' \\
  -d '{"email": "me@example.org", "password": "a long secret", "name": "Me"}' \\
  http://127.0.0.1:8000/api/user/signup</code></pre>
</html>
"""


@dataclass(frozen=True, slots=True)
class _Form:
    """One of the forms in which a file can be sent; ``content`` is for what is on no disk."""

    path: Path
    size: int
    etag: str
    content: bytes | None = None


async def get_static(static_dir: Path, policy: str) -> Response:
    """Answer a path that is no route: the web app's, or 404 inside ``/api``."""
    path = request.path.lstrip("/")
    if request.method not in ("GET", "HEAD") or path == "api" or path.startswith("api/"):
        return envelope(404, "Not found")
    base = request.root_path
    for name in (path,) if path == ROBOTS_NAME else (path, "index.html"):
        if forms := await asyncio.to_thread(_forms, static_dir, name, base):
            return await _negotiated(name, forms, policy)
    if path == ROBOTS_NAME:
        robots = ROBOTS.replace(": /", f": {base}/")
        return Response(robots, mimetype="text/plain", headers={"Cache-Control": ASK_ALWAYS})
    page = NOT_BUILT.replace('href="/', f'href="{base}/').replace(":8000/", f":8000{base}/")
    headers = {"Content-Security-Policy": plain_policy(page.encode())}
    return Response(page, mimetype="text/html", headers=headers)


async def _negotiated(name: str, forms: Mapping[str, _Form], policy: str) -> Response:
    """The file in the form that the client likes best."""
    encoding = _liked_best(request.accept_encodings, list(forms))
    if encoding is None:
        offered = {"Vary": "Accept-Encoding"}
        return envelope(406, f"This file is sent as: {', '.join(forms)}", headers=offered)
    form = forms[encoding]
    kind = KINDS.get(Path(name).suffix) or guess_type(name)[0] or "application/octet-stream"
    answer = await _whole(form, kind)
    answer.set_etag(form.etag)
    answer.headers["Cache-Control"] = FOR_EVER if name.startswith(ASSETS) else ASK_ALWAYS
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Content-Security-Policy"] = policy
    if encoding != IDENTITY:
        answer.headers["Content-Encoding"] = encoding
    try:
        part_of = form.size if _wants_a_part(form) else None
        await answer.make_conditional(request, accept_ranges=True, complete_length=part_of)
    except RequestedRangeNotSatisfiable as error:
        return envelope(416, error.name, headers={"Content-Range": f"bytes */{form.size}"})
    return answer


async def _whole(form: _Form, kind: str) -> Response:
    if form.content is not None:
        return Response(form.content, mimetype=kind)
    answer: Response = await send_file(form.path, mimetype=kind, add_etags=False)
    # All files of an installed wheel have one date, whatever their version.
    del answer.headers["Last-Modified"]
    return answer


def _liked_best(accepted: Accept, offered: Sequence[str]) -> str | None:
    """The encoding with the highest quality, of equals the best; None where none is acceptable."""
    if not request.headers.get("Accept-Encoding"):
        return IDENTITY
    named = {str(name).lower() for name, _ in accepted}
    unnamed = UNNAMED if not named & {IDENTITY, "*"} else 0.0
    liked = {name: accepted.quality(name) for name in offered}
    liked[IDENTITY] = max(liked[IDENTITY], unnamed)
    best = max(offered, key=lambda name: liked[name])
    return best if liked[best] > 0 else None


def _wants_a_part(form: _Form) -> bool:
    """One range of bytes; several, or what is no range, are answered with the whole file."""
    asked = request.range
    if request.method != "GET" or request.if_none_match.contains_weak(form.etag):
        return False
    return asked is not None and asked.units == "bytes" and len(asked.ranges) == 1


def _forms(folder: Path, name: str, base: str) -> dict[str, _Form]:
    """The file as the build compressed it, the best first, and as it is; empty without a file."""
    try:
        plain = _form(folder, name)
        if plain is None or _is_a_copy(folder, name):
            return {}
        real_name = str(plain.path.relative_to(realpath(folder)))
        if base and real_name in ADDRESSES:
            return _moved(plain, real_name, base)
        copies = {its: _form(folder, name + ending) for its, ending in COMPRESSED.items()}
    except (ValueError, OSError):  # names that no file can have
        return {}
    return {**{its: copy for its, copy in copies.items() if copy}, IDENTITY: plain}


@lru_cache(len(ADDRESSES))
def _moved(plain: _Form, name: str, base: str) -> dict[str, _Form]:
    """The file with its addresses under ``base``, compressed as well as can be done at once."""
    content = ADDRESSES[name].sub(rb"\1" + base.encode(), plain.path.read_bytes())
    packed = gzip.compress(content, mtime=0)
    contents = {"gzip": packed, IDENTITY: content}
    if len(packed) >= len(content):
        del contents["gzip"]
    return {
        encoding: _Form(plain.path, len(body), sha256(body).hexdigest()[:32], body)
        for encoding, body in contents.items()
    }


def _form(folder: Path, name: str) -> _Form | None:
    """The file; links are followed within the folder, not out of it."""
    path = Path(realpath(folder / name))
    if not path.is_relative_to(realpath(folder)) or not path.is_file():
        return None
    its = path.stat()
    return _Form(path, its.st_size, _digest(path, its.st_ino, its.st_ctime_ns, its.st_size))


@lru_cache(KEPT_DIGESTS)
def _digest(path: Path, *_version: int) -> str:
    """What tells this content from any other; dates and sizes of two builds can be the same."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:32]


def _is_a_copy(folder: Path, name: str) -> bool:
    stem, dot, ending = name.rpartition(".")
    return f"{dot}{ending}" in COMPRESSED.values() and (folder / stem).is_file()
