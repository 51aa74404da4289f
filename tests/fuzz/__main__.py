"""``make fuzz``: schemathesis asks a real service all that its document allows, and refuses.

As guest, as user and as admin, with sequences of requests that use each other's answers. It fails
on an internal error, an answer off the document, and a request that was taken although the document
refuses it. ``FUZZ_SECONDS`` bounds each caller, ``FUZZ_SEED`` repeats a run.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.support import ADMIN_TOKEN, bearer, serving

SECONDS = 180
CONFIG = Path(__file__).with_name("schemathesis.toml")
CHECKS = (
    "not_an_internal_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "refused_as_documented",
)
ENDLESS = r"/api/(stream|audit/events/stream)$"
"""They answer as long as somebody listens; tests of their own follow them."""
ENDING = {"user": r"^/api/user(/token)?$", "admin": "^/none$", "guest": "^/none$"}
"""What would take away the account or the token that the run asks with."""


def main() -> int:
    """The number of callers for whom something was wrong."""
    seconds = os.environ.get("FUZZ_SECONDS", str(SECONDS))
    with (
        tempfile.TemporaryDirectory(prefix="vidwiz-fuzz-") as folder,
        serving(Path(folder) / "data") as server,
    ):
        wrong = sum(
            _fuzzed(server.url, caller, headers, seconds) != 0
            for caller, headers in _callers(server.url).items()
        )
        if "unexpected error" in server.log.read_text(encoding="utf-8"):
            sys.stdout.write(server.log.read_text(encoding="utf-8")[-20_000:])
            wrong += 1
    return wrong


def _callers(url: str) -> Mapping[str, Mapping[str, str]]:
    with httpx.Client(base_url=url) as client:
        account = {"email": "fuzz@example.org", "password": "correct horse", "name": "Fuzz"}
        client.post("/api/user/signup", json=account).raise_for_status()
        login = {name: account[name] for name in ("email", "password")}
        token = client.post("/api/user/login", json=login).raise_for_status().json()["token"]
    return {
        "guest": {"X-Guest-Session-ID": "a-fuzzing-guest"},
        "user": bearer(token),
        "admin": bearer(ADMIN_TOKEN),
    }


def _fuzzed(url: str, caller: str, headers: Mapping[str, str], seconds: str) -> int:
    sys.stdout.write(f"\n=== as {caller}\n")
    sys.stdout.flush()
    command: Sequence[str] = [
        *(str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG)),
        *("run", f"{url}/openapi.json"),
        *(part for name, its in headers.items() for part in ("-H", f"{name}: {its}")),
        *("--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing,stateful"),
        *("--max-time", seconds, "--continue-on-failure", "--request-timeout", "70"),
        *("--exclude-path-regex", f"{ENDLESS}|{ENDING[caller]}"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        *(("--seed", seed) if (seed := os.environ.get("FUZZ_SEED")) else ()),
    ]
    hooks = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks"}
    return subprocess.run(command, env=hooks, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
