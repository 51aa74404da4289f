"""An installation of an older version keeps its history and its tables when it is upgraded."""

from alembic import command
from alembic.script import ScriptDirectory

from tests.event_store.parts import empty_database, note, rows, running
from tests.projections.histories import come_and_gone, happen
from tests.support import MASTER
from vidwiz.commands.users import EraseUser, SignUp
from vidwiz.events import (
    NoteAdded,
    PersonalTranscriptAdded,
    TaskQueued,
    TaskType,
    UserSignedUp,
    VideoAdded,
    VideoOpened,
)
from vidwiz.postgres import migrate
from vidwiz.replay.engine import rebuild
from vidwiz.replay.verification import verify

OLDER = (
    UserSignedUp(user_id=1, email="ann@example.org", name="Ann"),
    VideoAdded(id=1, video_id="W421vNri5hw", title="Apollo 13"),
    TaskQueued(task_id=1, task_type=TaskType.TRANSCRIPT, video_id="W421vNri5hw"),
    TaskQueued(task_id=2, task_type=TaskType.METADATA, video_id="W421vNri5hw"),
    NoteAdded(note_id=1, user_id=1, video_id="W421vNri5hw", timestamp="7:55:35", text=None),
)


def test_an_upgrade_keeps_the_tables_equal_to_their_replay(server_dsn: str) -> None:
    with empty_database(server_dsn) as dsn:
        upgrade(dsn, "0001")
        happen(dsn, *OLDER)
        assert migrate.migrate(dsn) == migrate.head_revision()
        assert list(verify(dsn, MASTER)[1]) == []
        before = rows(dsn, "SELECT * FROM tasks ORDER BY id")
        rebuild(dsn, MASTER)
        assert rows(dsn, "SELECT * FROM tasks ORDER BY id") == before


def test_an_upgrade_finds_the_owners_of_messages_and_turns(server_dsn: str) -> None:
    owner = "".join(
        f"ALTER TABLE {table} {{0}} COLUMN user_id {{1}}, {{0}} COLUMN guest_id {{2}};"
        for table in ("messages", "turns")
    )
    later = VideoOpened | PersonalTranscriptAdded  # there were no tables for them
    talked = [one for one in come_and_gone(7)[:-1] if not isinstance(one, later)]
    with empty_database(server_dsn) as dsn:
        upgrade(dsn, "0002")
        rows(dsn, owner.format("ADD", "bigint", "text"))  # which today's projectors write
        happen(dsn, *talked)
        rows(dsn, owner.format("DROP", "", ""))
        migrate.migrate(dsn)
        assert list(verify(dsn, MASTER)[1]) == []
        assert rows(dsn, "SELECT messages.user_id, turns.user_id FROM messages, turns") == [(7, 7)]


async def test_who_was_there_before_there_were_seals_can_be_erased_and_come_back(
    server_dsn: str,
) -> None:
    with empty_database(server_dsn) as dsn:
        upgrade(dsn, "0002")
        happen(dsn, *OLDER)
        rows(dsn, "SELECT nextval('user_ids'), nextval('note_ids')")
        migrate.migrate(dsn)
        async with running(dsn) as parts:
            await parts.run(note(1, "W421vNri5hw", text="sealed"))
            await parts.run(EraseUser(1))
            (again,) = await parts.run(SignUp("ann@example.org", "Ann", "hash"))
            await parts.run(note(again, "W421vNri5hw"))
        assert list(verify(dsn, MASTER)[1]) == []
        rebuild(dsn, MASTER)
        assert rows(dsn, "SELECT id, email FROM users") == [(again, "ann@example.org")]
        assert rows(dsn, "SELECT DISTINCT user_id FROM notes") == [(again,)]


def test_the_words_of_what_was_there_are_made_anew(server_dsn: str) -> None:
    said = ("{0, 5}", "{0, 1.5}")
    passage = "INSERT INTO passages VALUES ('v', %(n)s, %(text)s, 5, %(offsets)s, %(starts)s)"
    with empty_database(server_dsn) as dsn:
        upgrade(dsn, "0010")
        for n, text in enumerate(("GPT-4o", "plain words", "\u0645\u064f\u062d", "C++ C")):
            rows(dsn, passage, n=n, text=text, offsets=said[0], starts=said[1])
        rows(
            dsn,
            "INSERT INTO notes VALUES (1, 1, 'v', '0:01', '\uff21\uff22', false, now(), now(), 1),"
            " (2, 1, 'v', '0:01', NULL, false, now(), now(), 1)",
        )
        rows(
            dsn,
            "INSERT INTO videos (id, video_id, title, transcript_available, created_at, updated_at,"
            " version) VALUES (1, 'v', '\u0141\u00f3d\u017a', false, now(), now(), 1)",
        )
        kept = "SELECT xmin::text FROM passages WHERE text = 'plain words'"
        before = rows(dsn, kept)
        migrate.migrate(dsn)
        assert rows(dsn, kept) == before
        assert words(dsn, "passages", "text") == [
            "'4':2 'gpt':1 'o':3",
            "'c':2 'cplusplus':1",
            "'plain':1 'words':2",
            "'\u0645\u062d':1",
        ]
        assert words(dsn, "notes", "text") == ["'ab':1", None]
        assert words(dsn, "videos", "title") == ["'lodz':1"]


def words(dsn: str, table: str, column: str) -> list[str | None]:
    query = f"SELECT words::text, words IS NOT DISTINCT FROM search_vector({column}) FROM {table}"
    found = rows(dsn, query)
    assert all(same for _, same in found)
    return sorted((its for its, _ in found), key=str)


def test_the_newest_migration_is_the_one_that_alembic_ends_with(server_dsn: str) -> None:
    with empty_database(server_dsn) as dsn, migrate.schema_engine(dsn).connect() as connection:
        scripts = ScriptDirectory.from_config(migrate.alembic_config(connection))
        assert migrate.head_revision() == scripts.get_current_head()


def upgrade(dsn: str, revision: str) -> None:
    with migrate.schema_engine(dsn).connect() as connection:
        command.upgrade(migrate.alembic_config(connection), revision)
        connection.commit()
