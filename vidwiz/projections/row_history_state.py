"""How far the stored row history goes, and which program filled it."""

from functools import cache

from sqlalchemy import select

from vidwiz.postgres.statement import Statement
from vidwiz.projections.projector import plan
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.row_history_tables import form_of
from vidwiz.projections.tables import row_history_state

_state = row_history_state.c
STATE = Statement(select(_state.position, _state.form))
LOCKED_STATE = Statement(select(_state.position, _state.form).with_for_update())
STRIKE_OUT = Statement(row_history_state.delete())
"""The history is not to be read any more."""


@cache
def form() -> bytes:
    """The form of this program's row history; the first call compiles every statement.

    A history of another form was filled by another program: nobody reads it or adds to it.
    """
    return form_of([change.keeping for changes in plan(PROJECTORS).values() for change in changes])
