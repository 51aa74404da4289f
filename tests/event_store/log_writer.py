"""A process that appends to the log until its work is done or it is killed.

Arguments: dsn, seed, number of transactions, file to report to. Standard input: the statement.
Reports a line only when it is true: ``committed <batch> <size>`` after COMMIT, ``aborted <batch>``
after ROLLBACK. Imports nothing of ours, so that sixteen of them start quickly.
"""

import os
import random
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

ABORTED_SHARE = 0.25
MAX_EVENTS = 5


def main(dsn: str, seed: str, transactions: str, report: str) -> None:
    append = sys.stdin.read()
    dice = random.Random(int(seed))
    file = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for number in range(int(transactions)):
            batch, size = f"{seed}-{number}", dice.randint(1, MAX_EVENTS)
            connection.execute("BEGIN")
            connection.execute(append, drafts(dice, batch, size))
            if dice.random() < ABORTED_SHARE:
                connection.execute("ROLLBACK")
                os.write(file, f"aborted {batch}\n".encode())
            else:
                connection.execute("COMMIT")
                os.write(file, f"committed {batch} {size}\n".encode())


def drafts(dice: random.Random, batch: str, size: int) -> dict[str, Any]:
    """So many events, of one stream or of several, that name their batch."""
    streams = [UUID(int=dice.getrandbits(128)) for _ in range(size)]
    together = dice.random() < 0.5
    state = (
        b'{"note_id":1,"user_id":1,"text":"%s","generated_by_ai":false}'
        % f"{batch} {size}".encode()
    )
    return {
        "streams": [streams[0]] * size if together else streams,
        "versions": [number + 1 if together else 1 for number in range(size)],
        "topics": ["NoteEdited"] * size,
        "states": [state] * size,
        "metadata": ['{"actor": "system"}'] * size,
        "recorded_at": datetime.now(UTC),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
