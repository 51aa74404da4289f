"""``vidwiz serve``: runs the service."""

import sys
from ipaddress import ip_address

import click

from vidwiz.cli.support import ready
from vidwiz.event_store import startup_checks
from vidwiz.settings import Settings
from vidwiz.settings.environment import SettingsError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--no-workers", is_flag=True, help="Leave the built-in workers out.")
@click.pass_obj
def serve(settings: Settings, host: str, port: int, processes: int, no_workers: bool) -> None:
    """Run the service."""
    from vidwiz.server import serve as server  # noqa: PLC0415

    _require_strong_secrets(settings, host)
    with ready(settings, kept=True) as (dsn, _):
        startup_checks.require_known_topics(dsn)
        _say_where_secrets_are(settings)
        code = server.serve(
            settings, dsn, host=host, port=port, processes=processes, workers=not no_workers
        )
    sys.exit(code)


def _require_strong_secrets(settings: Settings, host: str) -> None:
    """Warn of secrets that can be guessed; with them, raise ``SettingsError`` beyond loopback."""
    weaknesses = settings.weaknesses()
    if weaknesses and not _is_loopback(host):
        raise SettingsError(
            f"{'; '.join(weaknesses)}; with this {host} is not listened on, only loopback is"
        )
    for weakness in weaknesses:
        click.echo(f"Warning: {weakness}; others could sign in as anybody", err=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say_where_secrets_are(settings: Settings) -> None:
    """Also makes them, before several processes would.

    Nobody has to know the key of the checkpoints, so where it is would be noise.
    """
    for given, name, file, kept in (
        (settings.secret_key, "SECRET_KEY", "secret_key", settings.signing_key),
        (settings.admin_token, "ADMIN_TOKEN", "admin_token", settings.admin_bearer),
        (settings.master_key, "VIDWIZ_MASTER_KEY", "master_key", settings.master_key_bytes),
    ):
        if given is None and kept:
            path = settings.secret_file(file)
            click.echo(f"{name} is kept in {path} (mode 0600); to see it: cat '{path}'", err=True)
    _ = settings.audit_key
