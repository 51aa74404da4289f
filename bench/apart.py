"""Runs a part of the benchmark in a process of its own."""

import multiprocessing
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

_spawn = multiprocessing.get_context("spawn")


@contextmanager
def apart(function: Callable[..., None], *args: Any) -> Iterator["Connection[Any, Any]"]:
    """``function(pipe, *args)`` in another process; yields our end of the pipe."""
    ours, theirs = _spawn.Pipe()
    process = _spawn.Process(target=function, args=(theirs, *args))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(30)
        if process.is_alive():
            process.kill()
            process.join()


def call_apart(function: Callable[..., Any], *args: Any) -> Any:
    """What ``function(*args)`` returns in another process."""
    with apart(_answer, function, args) as pipe:
        return pipe.recv()  # EOFError: it failed, and said so on standard error


def _answer(pipe: "Connection[Any, Any]", function: Callable[..., Any], args: Any) -> None:
    pipe.send(function(*args))


def cpu_seconds(whose: int = resource.RUSAGE_SELF) -> float:
    """CPU time used so far, by this process or (``RUSAGE_CHILDREN``) by those it waited for."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime
