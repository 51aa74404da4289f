"""The web app's files: the file of that name, else its ``index.html``."""

from os.path import realpath
from pathlib import Path

from quart import Response, request, send_from_directory
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from vidwiz.http.errors import envelope
from vidwiz.http.security import plain_policy

ASSETS = "assets/"
FOR_EVER = "public, max-age=31536000, immutable"
"""Of the files whose names hold their hash."""
ASK_ALWAYS = "no-cache"
COMPRESSED = {"br": ".br", "gzip": ".gz"}
"""Encodings, the best first, and how the files of a build that have them end."""
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


async def get_static(static_dir: Path, policy: str) -> Response:
    """Answer a path that is no route: the web app's, or 404 inside ``/api``."""
    path = request.path.lstrip("/")
    if request.method not in ("GET", "HEAD") or path == "api" or path.startswith("api/"):
        return envelope(404, "Not found")
    for name in (path, "index.html"):
        try:
            return await _best_file(static_dir, name, policy)
        except RequestedRangeNotSatisfiable as error:
            return envelope(416, error.name)
        except (NotFound, ValueError, OSError):
            continue
    headers = {"Content-Security-Policy": plain_policy(NOT_BUILT.encode())}
    return Response(NOT_BUILT, mimetype="text/html", headers=headers)


async def _best_file(folder: Path, name: str, policy: str) -> Response:
    """The file, compressed where the build did that and the client takes it."""
    answer = await _file(folder, name)
    for encoding, ending in COMPRESSED.items():
        if request.accept_encodings.quality(encoding) > 0 and _is_file(folder, name + ending):
            content_type = answer.content_type
            answer = await _file(folder, name + ending)
            answer.content_type = content_type
            answer.headers["Content-Encoding"] = encoding
            break
    answer.headers["Cache-Control"] = FOR_EVER if name.startswith(ASSETS) else ASK_ALWAYS
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Content-Security-Policy"] = policy
    return answer


async def _file(folder: Path, name: str) -> Response:
    if not _is_inside(folder, name):
        raise NotFound
    answer: Response = await send_from_directory(folder, name)
    return answer


def _is_file(folder: Path, name: str) -> bool:
    return _is_inside(folder, name) and (folder / name).is_file()


def _is_inside(folder: Path, name: str) -> bool:
    """Links are followed within the folder, not out of it."""
    return Path(realpath(folder / name)).is_relative_to(realpath(folder))
