"""Processes that end with the one that watches them, even when that one is killed."""

import ctypes
import os
import signal
import sys

PARENT_VARIABLE = "VIDWIZ_SERVED_BY"
PARENT_DEATH_SIGNAL = 1


def leave_without_parent() -> None:
    """End here if that process is gone already: nothing has begun, and its port is to be free."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is not None and sys.platform == "linux" and os.getppid() != int(parent):
        os._exit(1)


def die_with_parent() -> None:
    """From now on SIGTERM comes when the process that the variable names is gone (on Linux)."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != int(parent):
        signal.raise_signal(signal.SIGTERM)
