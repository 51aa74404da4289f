"""The web app's files: the file of that name, else its ``index.html``."""

from os.path import realpath
from pathlib import Path

from quart import Response, request, send_from_directory
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from vidwiz.http.errors import envelope

YEAR_S = 365 * 24 * 3600
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


async def get_static(static_dir: Path) -> Response:
    """Answer a path that is no route: the web app's, or 404 inside ``/api``."""
    path = request.path.lstrip("/")
    if request.method not in ("GET", "HEAD") or path == "api" or path.startswith("api/"):
        return envelope(404, "Not found")
    for name in (path, "index.html"):
        try:
            return await _file(static_dir, name)
        except RequestedRangeNotSatisfiable as error:
            return envelope(416, error.name)
        except (NotFound, ValueError, OSError):
            continue
    return Response(NOT_BUILT, mimetype="text/html")


async def _file(folder: Path, name: str) -> Response:
    if not _is_inside(folder, name):
        raise NotFound
    life = YEAR_S if name.startswith("assets/") else 0  # those have their hash in their name
    answer: Response = await send_from_directory(folder, name, cache_timeout=life)
    return answer


def _is_inside(folder: Path, name: str) -> bool:
    """Links are followed within the folder, not out of it."""
    return Path(realpath(folder / name)).is_relative_to(realpath(folder))
