"""The command line. Every command finds the same database as ``serve``, running or not.

What only one command needs, and is slow to load, that command imports itself.
"""

import os

import click

from vidwiz import logs
from vidwiz.cli.audit import audit, export, import_command, rekey
from vidwiz.cli.demo import demo
from vidwiz.cli.doctor import doctor
from vidwiz.cli.erase import erase
from vidwiz.cli.events import events
from vidwiz.cli.history import history
from vidwiz.cli.migrate import migrate
from vidwiz.cli.objects import adopt_objects
from vidwiz.cli.reactions import reactions
from vidwiz.cli.refusals import Commands
from vidwiz.cli.replay import rebuild, verify
from vidwiz.cli.serve import serve
from vidwiz.cli.state import state
from vidwiz.cli.user import user
from vidwiz.cli.worker import worker
from vidwiz.parent_process import PARENT_VARIABLE
from vidwiz.settings import Settings, environment, unknown_settings
from vidwiz.settings.environment import Environment, hand_on_to_aws


@click.group(cls=Commands)
@click.version_option(package_name="vidwiz")
@click.pass_context
def main(ctx: click.Context) -> None:
    """VidWiz turns watching YouTube into knowledge you keep."""
    found = environment()
    _say_what_was_read(found)
    hand_on_to_aws(found)
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    ctx.obj = settings


def _say_what_was_read(found: Environment) -> None:
    """Name the .env file, and what is misspelt; the processes that a command starts need not."""
    if PARENT_VARIABLE in os.environ:
        return
    if found.env_file is not None:
        click.echo(f"Settings are read from {found.env_file} too", err=True)
    for sentence in unknown_settings(found):
        click.echo(f"Warning: {sentence}", err=True)


for command in (
    adopt_objects,
    audit,
    demo,
    doctor,
    erase,
    events,
    export,
    history,
    import_command,
    migrate,
    reactions,
    rebuild,
    rekey,
    serve,
    state,
    user,
    verify,
    worker,
):
    main.add_command(command)
