"""Which copies of the projected tables there are, and where they lie; see ``snapshots``."""

import hashlib
from typing import Any

import psycopg
from sqlalchemy import LargeBinary, select
from sqlalchemy.schema import CreateTable

from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import PROJECTED, projection_snapshots

PREFIX = "snapshot_"
FORM = hashlib.sha256("".join(str(CreateTable(table)) for table in PROJECTED).encode()).digest()
"""Of a program with other tables nobody takes the copies."""

_its = projection_snapshots.c
_known = Statement(
    select(_its.position).where(_its.form == parameter("form", LargeBinary)).order_by(_its.position)
)
STRIKE_OUT = Statement(projection_snapshots.delete())
"""No copy is to be used any more; an erasure's transaction does this."""


def known(connection: psycopg.Connection[tuple[Any, ...]]) -> list[int]:
    """The positions that there are whole copies of, of this form, lowest first."""
    return [position for (position,) in connection.execute(_known.sql, {"form": FORM}).fetchall()]


def schema_of(position: int) -> str:
    """Where the copy of a position lies."""
    return f"{PREFIX}{position}"
