"""The full text search of a user: over titles, their notes, and what is said in their videos.

The words are made by ``search_vector``, which the migrations define. A title counts for more than
a note, and that for more than a passage of a transcript.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG, TSQUERY

from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections import shapes
from vidwiz.projections.shapes import array, found_title, title_of
from vidwiz.projections.tables import SHARED, conversations, notes, passages, videos
from vidwiz.projections.tables import personal_transcripts as own

HITS_A_VIDEO = 5
MOST_CHARACTERS = 5_000
"""Of a note, among which the words are looked for to be shown."""

_simple = literal_column("'simple'", REGCONFIG)
_terms = (
    func.unnest(parameter("terms", ARRAY(Text)))
    .table_valued(column("term", Text), with_ordinality="number")
    .render_derived(name="terms")
)
_folded = (
    select(_terms.c.number, func.search_text(_terms.c.term).label("words"))
    .offset(literal_column("0", Integer))
    .subquery("folded")
)
FOLDED = Statement(
    select(
        func.trim(_folded.c.words), func.phraseto_tsquery(_simple, _folded.c.words).cast(Text)
    ).order_by(_folded.c.number)
)
"""The terms as the indexes have their words, between spaces; and as phrases in PostgreSQL's
language, empty where it sees no word."""

_user_id = parameter("user_id", BigInteger)
_query = cast(parameter("query", Text), TSQUERY)
_mine = union(
    select(notes.c.video_id).where(notes.c.user_id == _user_id),
    select(conversations.c.video_id).where(conversations.c.user_id == _user_id),
).cte("mine")
_is_mine = select(_mine.c.video_id)


_title_words = case(
    (found_title(videos).is_(None), videos.c.words), else_=func.search_vector(title_of(videos))
)
"""The words of a title; of one that came with the metadata no index has any: made here."""
_reads_own = select(own.c.video_id).where(own.c.user_id == _user_id, own.c.chosen).cte("reads_own")
_is_read = case(
    (passages.c.video_id.in_(select(_reads_own.c.video_id)), passages.c.user_id == _user_id),
    else_=passages.c.user_id == SHARED,
)
"""Of two transcripts of a video a person finds the words of the one that they read."""


def _matches(kind: str, words: Any, video_id: Any) -> Select[Any]:
    return select(
        video_id.label("video_id"), literal_column(f"'{kind}'", Text).label("kind")
    ).where(words.op("@@")(_query))


_matched = union_all(
    _matches("title", _title_words, videos.c.video_id).where(videos.c.video_id.in_(_is_mine)),
    _matches("note", notes.c.words, notes.c.video_id).where(notes.c.user_id == _user_id),
    _matches("transcript", passages.c.words, passages.c.video_id).where(
        passages.c.video_id.in_(_is_mine), _is_read
    ),
).cte("matched")


def _weight(kind: str, weight: float) -> ColumnElement[Any]:
    """What the hits of a kind are worth: the second much less than the first."""
    count = func.count().filter(_matched.c.kind == kind)
    return func.ln(1 + count) * literal_column(str(weight), Float)


_scored = (
    select(
        _matched.c.video_id,
        func.count().label("hit_count"),
        (_weight("title", 4.0) + _weight("note", 2.0) + _weight("transcript", 1.0)).label("score"),
    )
    .group_by(_matched.c.video_id)
    .cte("scored")
)
_page = (
    select(_scored)
    .order_by(_scored.c.score.desc(), _scored.c.video_id)
    .limit(parameter("at_most", BigInteger))
    .offset(parameter("skip", BigInteger))
    .cte("page")
)


def _hits(kind: str, weight: float, words: Any, place: Any, **shown: Any) -> Select[Any]:
    members = {"note_id": null(), "at": null(), "own": null(), "offsets": null(), "starts": null()}
    return (
        select(
            (func.ts_rank(words, _query) * literal_column(str(weight), Float)).label("rank"),
            place.label("place"),
            shapes.json_object(
                kind=literal_column(f"'{kind}'", Text), **{**members, **shown}
            ).label("shape"),
        )
        .where(words.op("@@")(_query))
        .correlate(_page)
    )


_hits_of_video = union_all(
    _hits("title", 4.0, _title_words, videos.c.id, text=title_of(videos)).where(
        videos.c.video_id == _page.c.video_id
    ),
    _hits(
        "note",
        2.0,
        notes.c.words,
        notes.c.id,
        text=func.left(notes.c.text, MOST_CHARACTERS),
        note_id=notes.c.id,
        at=notes.c.timestamp,
    ).where(notes.c.user_id == _user_id, notes.c.video_id == _page.c.video_id),
    _hits(
        "transcript",
        1.0,
        passages.c.words,
        passages.c.number,
        text=passages.c.text,
        own=passages.c.own,
        offsets=passages.c.offsets,
        starts=passages.c.starts,
    ).where(passages.c.video_id == _page.c.video_id, _is_read),
).subquery("hits_of_video")
_best = (
    select(_hits_of_video)
    .order_by(_hits_of_video.c.rank.desc(), _hits_of_video.c.place)
    .limit(literal_column(str(HITS_A_VIDEO), Integer))
    .subquery("best")
)
_best_hits = select(array(_best.c.shape, _best.c.rank.desc(), _best.c.place)).scalar_subquery()
_its = videos.alias("its")
_video = shapes.json_object(
    video_id=_its.c.video_id,
    title=title_of(_its),
    metadata=shapes.card_metadata(_its),
    hits=_best_hits,
    hit_count=_page.c.hit_count,
)
SEARCH_ALL = Statement(
    select(
        select(func.count()).select_from(_scored).scalar_subquery(),
        select(array(_video, _page.c.score.desc(), _page.c.video_id).cast(Text))
        .select_from(_page.join(_its, _its.c.video_id == _page.c.video_id))
        .scalar_subquery(),
    )
)
"""How many videos have hits, and a page of them with the best hits of each, as a JSON array."""
