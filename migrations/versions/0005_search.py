"""Full text search: how words are folded, the words of notes and titles, passages of transcripts.

``search_text`` makes lower case words without accents and separates them by spaces. Scripts that
are written without spaces become single characters, so that neighbours of them are a phrase. What
it cuts off, and that it hardly makes a text longer, keeps every ``tsvector`` below its limit.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

revision = "0005"
down_revision = "0004"

UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
ASCII = [chr(code) for code in range(1, 128)]
SEPARATORS = "".join(one for one in ASCII if not one.isalnum()) + (
    "\u00a0\u00ab\u00bb\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u3001\u3002\u300c\u300d\uff01\uff0c\uff1f"
)
SEPARATOR = "".join(f"\\u{ord(one):04x}" for one in SEPARATORS)

# Most texts are ASCII, which have nothing to fold.
SEARCH_TEXT = rf"""
CREATE FUNCTION search_text(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
COST 2000 AS $function$
DECLARE
    folded text := lower(left($1, 100000));
BEGIN
    IF octet_length(folded) > length(folded) THEN
        folded := normalize(folded, NFD);
        folded := normalize(regexp_replace(folded, '[\u0300-\u036f]', '', 'g'), NFC);
        folded := regexp_replace(folded, '([{UNSPACED}])', ' \1 ', 'g');
    END IF;
    RETURN regexp_replace(folded, '[{SEPARATOR}]', ' ', 'g');
END $function$
"""

SEARCH_VECTOR = """
CREATE FUNCTION search_vector(text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
COST 4000 AS $function$
BEGIN
    RETURN to_tsvector('pg_catalog.simple'::regconfig, public.search_text($1));
END $function$
"""


def upgrade() -> None:
    op.execute(SEARCH_TEXT)
    op.execute(SEARCH_VECTOR)
    for table, column in (("videos", "title"), ("notes", "text")):
        op.add_column(table, _words(column))
        op.create_index(f"{table}_words_idx", table, ["words"], postgresql_using="gin")
    _passages()


def _passages() -> None:
    op.create_table(
        "passages",
        sa.Column("video_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("own", sa.Integer, nullable=False),
        sa.Column("offsets", ARRAY(sa.Integer), nullable=False),
        sa.Column("starts", ARRAY(sa.Float), nullable=False),
        _words("text"),
        sa.PrimaryKeyConstraint("video_id", "number", name="passages_pkey"),
    )
    op.create_index("passages_words_idx", "passages", ["words"], postgresql_using="gin")


def _words(column: str) -> sa.Column[object]:
    return sa.Column("words", TSVECTOR, sa.Computed(f"search_vector({column})", persisted=True))
