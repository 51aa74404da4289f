"""Reads the event log of a VidWiz service, follows it, and runs projectors of your own.

``EventLog`` and ``AsyncEventLog`` read ``/api/audit/events`` with an admin's token. A ``Projector``
handles the events; a checkpoint remembers the position behind which to go on. ``given`` tests a
projector without a service. Nothing here needs a database or any other part of the package.
"""

from vidwiz.client.async_log import AsyncEventLog
from vidwiz.client.checkpoints import ConsumerCheckpoint, FileCheckpoint, MemoryCheckpoint
from vidwiz.client.events import LoggedEvent
from vidwiz.client.log import EventLog
from vidwiz.client.projectors import Projector, on
from vidwiz.client.protocol import EventFilter, EventLogError, LogReset
from vidwiz.client.testing import an_event, given

__all__ = [
    "AsyncEventLog",
    "ConsumerCheckpoint",
    "EventFilter",
    "EventLog",
    "EventLogError",
    "FileCheckpoint",
    "LogReset",
    "LoggedEvent",
    "MemoryCheckpoint",
    "Projector",
    "an_event",
    "given",
    "on",
]
