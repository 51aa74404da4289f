"""The rows in the database that a history owns, and those that its world says there should be."""

from typing import Any

import psycopg

from tests.histories.world import World
from vidwiz.projections.tables import PROJECTED

Connection = psycopg.Connection[dict[str, Any]]

OWNED = {
    "users": "SELECT * FROM users WHERE id = ANY(%(users)s)",
    "videos": "SELECT * FROM videos WHERE video_id = ANY(%(videos)s)",
    "openings": "SELECT * FROM openings WHERE user_id = ANY(%(users)s)",
    "personal_transcripts": "SELECT * FROM personal_transcripts"
    " WHERE video_id = ANY(%(videos)s) OR user_id = ANY(%(users)s)",
    "notes": "SELECT * FROM notes WHERE video_id = ANY(%(videos)s) OR user_id = ANY(%(users)s)",
    "tasks": "SELECT * FROM tasks WHERE task_details->>'video_id' = ANY(%(videos)s)",
    "conversations": "SELECT * FROM conversations WHERE video_id = ANY(%(videos)s)",
    "messages": "SELECT * FROM messages WHERE conversation_id = ANY(%(conversations)s)",
    "turns": "SELECT * FROM turns WHERE conversation_id = ANY(%(conversations)s)",
    "witnessed_checkpoints": "SELECT * FROM witnessed_checkpoints WHERE public_key = %(signer)s",
    "credentials": "SELECT user_id, password_hash FROM credentials WHERE user_id = ANY(%(users)s)",
    "idempotency_keys": "SELECT user_id, key, fingerprint, note_id FROM idempotency_keys"
    " WHERE user_id = ANY(%(users)s)",
    "quotas": "SELECT identity, day, used FROM quotas WHERE identity = ANY(%(persons)s)",
    "personal_keys": "SELECT person, wrapped_key IS NULL AS shredded, erased_at"
    " FROM personal_keys WHERE person = ANY(%(persons)s)",
}
"""By table; the ids are all that there ever were, so that nothing stays behind unseen."""
GENERATED = {column.name for table in PROJECTED for column in table.columns if column.computed}
"""Columns that PostgreSQL makes of others."""


def rows_of(connection: Connection, world: World) -> dict[str, list[dict[str, Any]]]:
    """What the database has of the history."""
    ids = {
        "users": world.users_ever,
        "videos": world.video_ids,
        "signer": world.signer,
        "conversations": world.conversations_ever,
        "persons": [*world.persons, *(f"guest:{its}" for its in world.guest_ids)],
    }
    with connection.pipeline():
        found = {name: connection.execute(query, ids) for name, query in OWNED.items()}
    return {name: in_order(_given(cursor.fetchall())) for name, cursor in found.items()}


def _given(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name not in GENERATED} for row in rows]


def expected_rows(world: World) -> dict[str, list[dict[str, Any]]]:
    """What the database should have of it."""
    projected = {
        table.name: [vars(row) for row in getattr(world, table.name).values()]
        for table in PROJECTED
    }
    rows = projected | _beside_the_log(world)
    return {name: in_order(its) for name, its in rows.items()}


def _beside_the_log(world: World) -> dict[str, list[dict[str, Any]]]:
    return {
        "credentials": [
            {"user_id": user_id, "password_hash": its} for user_id, its in world.credentials.items()
        ],
        "idempotency_keys": [
            {"user_id": user_id, "key": key, "fingerprint": fingerprint, "note_id": note_id}
            for (user_id, key), (fingerprint, note_id) in world.idempotency_keys.items()
        ],
        "quotas": [
            {"identity": identity, "day": day, "used": used}
            for (identity, day), used in world.quotas.items()
        ],
        "personal_keys": [
            {"person": person, "shredded": at is not None, "erased_at": at}
            for person, at in world.persons.items()
        ],
    }


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By their first column that names them, so that lists can be compared."""
    return sorted(rows, key=lambda row: str(row.get("id", [*row.values()][:2])))
