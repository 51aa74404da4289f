"""What guards the log in the database: its triggers, functions, columns, constraints and indexes.

``guard.json`` has what the migrations make of an empty database; a test makes it anew and compares.
Written with: python -m vidwiz.audit.checks.schema_guard DSN
"""

import sys
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import orjson
import psycopg

from vidwiz.audit.snapshot import Connection

TABLES = ("stored_events", "log_checkpoints")
FUNCTIONS = ("chain_event", "refuse_change", "event_field", "event_person")
Guard = dict[str, dict[str, Any]]
"""What there is, by kind and name."""

_PARTS = {
    "function": """
        SELECT proname, jsonb_build_array(prosrc, lanname, provolatile, proisstrict, prosecdef,
               proconfig, prorettype::regtype::text, pg_get_function_arguments(pg_proc.oid))
        FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
        WHERE pronamespace = 'public'::regnamespace AND proname = ANY(%(functions)s)""",
    "trigger": """
        SELECT relname || '.' || tgname,
               jsonb_build_array(tgenabled, tgtype, tgfoid::regproc::text, tgqual IS NULL,
                                 tgattr::text, tgnargs, tgoldtable, tgnewtable)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace
          AND relname = ANY(%(tables)s)""",
    "column": """
        SELECT relname || '.' || attname,
               jsonb_build_array(format_type(atttypid, atttypmod), attnotnull, attgenerated,
                                 pg_get_expr(adbin, adrelid))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped AND relnamespace = 'public'::regnamespace
          AND relname = ANY(%(tables)s)""",
    "constraint": """
        SELECT relname || '.' || conname,
               jsonb_build_array(contype, convalidated, condeferrable,
                                 pg_get_constraintdef(pg_constraint.oid))
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        WHERE contype <> 'n' AND relnamespace = 'public'::regnamespace
          AND relname = ANY(%(tables)s)""",
    "index": """
        SELECT indexrelid::regclass::text,
               jsonb_build_array(pg_get_indexdef(indexrelid), indisvalid, indisunique)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%(tables)s)""",
    "rule": """
        SELECT relname || '.' || rulename, jsonb_build_array(ev_type, is_instead)
        FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%(tables)s)""",
    "policy": """
        SELECT relname || '.' || polname, jsonb_build_array(polcmd, polpermissive)
        FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%(tables)s)""",
    "table": """
        SELECT relname, jsonb_build_array(relkind, relpersistence, relrowsecurity,
               relforcerowsecurity,
               (SELECT count(*) FROM pg_inherits WHERE pg_class.oid IN (inhrelid, inhparent)),
               (SELECT count(*) FROM pg_proc WHERE proowner <> relowner
                AND pronamespace = relnamespace AND proname = ANY(%(functions)s)))
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%(tables)s)""",
}


def guard_of(connection: Connection) -> Guard:
    """What guards the log in this database, as of now."""
    values = {"tables": [*TABLES], "functions": [*FUNCTIONS]}
    connection.execute("SET search_path = public")
    found: Guard = {
        kind: dict(connection.execute(query.encode(), values).fetchall())
        for kind, query in _PARTS.items()
    }
    connection.execute("RESET search_path")
    return found


def as_migrated() -> Guard:
    """What the migrations make."""
    its: Guard = orjson.loads(files("vidwiz").joinpath("audit", "guard.json").read_bytes())
    return its


def differences(connection: Connection) -> Iterator[str]:
    """A sentence for everything that is not as the migrations made it."""
    found = guard_of(connection)
    for kind, made in as_migrated().items():
        there = found[kind]
        for name in sorted(made.keys() | there.keys()):
            if name not in there:
                yield f"the {kind} {name} is missing"
            elif name not in made and kind == "index" and not there[name][2]:
                continue  # somebody else's, to read by
            elif name not in made:
                yield f"the {kind} {name} is none of ours"
            elif made[name] != there[name]:
                yield f"the {kind} {name} {_how(kind, made[name], there[name])}"


def _how(kind: str, made: list[Any], there: list[Any]) -> str:
    if kind == "trigger" and made[1:] == there[1:]:
        return "is switched off" if there[0] == "D" else "is switched off for some sessions"
    return "is not as the migrations made it"


def main() -> None:
    """Write down what the migrations made of the database that the argument names."""
    with psycopg.connect(sys.argv[1]) as connection:
        text = orjson.dumps(guard_of(connection), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    sys.stdout.buffer.write(text + b"\n")


if __name__ == "__main__":
    main()
