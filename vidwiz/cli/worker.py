"""``vidwiz worker``: does background jobs."""

import sys

import click

from vidwiz.parent_process import die_with_parent
from vidwiz.server.adapters import worker_config
from vidwiz.settings import Settings
from vidwiz.workers.jobs import Kind

WORKERS = {
    "transcript": (Kind.TRANSCRIPT,),
    "metadata": (Kind.METADATA,),
    "ai-notes": (Kind.AI_NOTE,),
    "summaries": (Kind.SUMMARY,),
    "all": tuple(Kind),
}


@click.command()
@click.argument("kind", type=click.Choice([*WORKERS]))
@click.option("--api-url", help="Where the service is; by default as VIDWIZ_API_URL says.")
@click.option("--admin-token", help="By default ADMIN_TOKEN, which others cannot see in a list.")
@click.pass_obj
def worker(settings: Settings, kind: str, api_url: str | None, admin_token: str | None) -> None:
    """Do background jobs, here or anywhere, over HTTP and SQS."""
    from vidwiz.workers.api import WorkerRefused  # noqa: PLC0415
    from vidwiz.workers.run import run  # noqa: PLC0415

    die_with_parent()
    config = worker_config(
        settings, api_url or settings.api_url, admin_token or settings.admin_bearer
    )
    try:
        sys.exit(run(WORKERS[kind], config))
    except WorkerRefused as error:
        raise click.ClickException(str(error)) from error
