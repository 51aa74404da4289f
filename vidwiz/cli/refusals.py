"""What a command refuses, told in one line."""

import click
import psycopg
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from vidwiz.adapters.object_store import ObjectStoreError
from vidwiz.audit.checkpoints.copies import CopyDiffers
from vidwiz.audit.checkpoints.files import FileUnusable
from vidwiz.audit.importing import ImportRefused
from vidwiz.event_store.command_queue import Conflict, Overloaded
from vidwiz.events.chain import ChainBroken
from vidwiz.events.master_key import KeyUnusable, WrongMasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.events.sealing import SealBroken
from vidwiz.postgres import migrate as migrations
from vidwiz.postgres.embedded import EmbeddedPostgresError
from vidwiz.postgres.pool import SCHEMA_STATES, DatabaseUnavailable, means_unavailable
from vidwiz.projections.projector import ProjectionFailed
from vidwiz.replay import engine
from vidwiz.replay.verified_snapshots import SnapshotUnusable
from vidwiz.settings import Settings, environment, names_of
from vidwiz.settings.environment import SettingsError

REFUSALS = (
    ChainBroken,
    Conflict,
    CopyDiffers,
    DatabaseUnavailable,
    EmbeddedPostgresError,
    FileUnusable,
    ImportRefused,
    KeyUnusable,
    ObjectStoreError,
    migrations.MigrationFailed,
    Overloaded,
    ProjectionFailed,
    SealBroken,
    SettingsError,
    SnapshotUnusable,
    UnknownEvent,
    WrongMasterKey,
    engine.MaintenanceUnderWay,
    engine.SwapFailed,
)


class Commands(click.Group):
    """Turns what a command refuses into a line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            raise click.ClickException(_bad_settings(error)) from error
        except REFUSALS as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except (psycopg.Error, DBAPIError) as error:
            raise click.ClickException(_said(error)) from error


def _said(error: psycopg.Error | DBAPIError) -> str:
    """What PostgreSQL says, and what it means."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = " ".join(str(cause).split())
    state = getattr(cause, "sqlstate", None)
    if cause is not None and means_unavailable(cause) and state not in SCHEMA_STATES:
        return said
    return f"the database is not as the migrations made it: {said}; see `vidwiz doctor`"


def _bad_settings(error: ValidationError) -> str:
    problems = (f"{_as_given(one['loc'])}: {one['msg']}" for one in error.errors())
    return "; ".join(problems)


def _as_given(loc: tuple[int | str, ...]) -> str:
    """The setting by the name that it was given under."""
    name, *_ = map(str, loc)
    given = environment().values
    names = next((its for its in map(names_of, Settings.model_fields.values()) if name in its), [])
    return next((one for one in names if one in given), name)
