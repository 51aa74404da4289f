"""Proves that an export of a VidWiz log is whole and as it was written, with Python alone.

    python3 verify_export.py log.jsonl --public-key HEX

One file that needs no other package, so that an auditor can read it and run it anywhere. The
program checks its live log with the same functions. ``docs/audit-format.md`` has every byte.
"""

import argparse
import base64
import gzip
import hashlib
import json
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias, TypeVar
from uuid import UUID, uuid5

FORMAT = "vidwiz-export/1"
GENESIS = bytes(32)
"""The previous hash of the first event, and the previous digest of the first checkpoint."""
STREAM_NAMESPACE = UUID("6f1f7a53-2b0e-5b52-9d5c-0c8a1f3f7e11")
"""Stream ids are uuid5 of the stream's name in this namespace; it never changes."""
KEY_BYTES, SIGNATURE_BYTES = 32, 64
LONGEST_LINE = 64 * 2**20
MAY_GO_BACK = timedelta(minutes=1)
"""A transaction takes its time before it waits for its position: times follow but for this."""

Genuine: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Whether a public key (32 bytes), a message and a signature (64 bytes) belong together."""


class ChainBroken(Exception):
    """The log is not as it was written: ``position`` is the first one that is wrong.

    Position 0 is what stands before the first event.
    """

    VERDICT = "the log was changed"

    def __init__(self, position: int, what: str) -> None:
        super().__init__(f"{self.VERDICT}: position {position} {what}")
        self.position = position
        self.what = what


class Stranger(ChainBroken):
    """A signature is somebody's whom nobody said to trust: a forger's, or another server's."""

    VERDICT = "a stranger vouches for the log"


class ExportedEvent(NamedTuple):
    """A row of the log; what the hash covers is here to the letter."""

    position: int
    stream_id: str
    version: int
    topic: str
    recorded_at: str
    metadata: str
    state: bytes
    previous_hash: bytes
    hash: bytes


class Checkpoint(NamedTuple):
    """The signed statement that the log's first ``events`` events end in ``hash``.

    ``previous`` is the digest of the checkpoint before it. All but the counts are text:
    hex in lower case, and a time like ``2026-01-31T23:59:59.000001Z``.
    """

    position: int
    hash: str
    events: int
    made_at: str
    public_key: str
    previous: str
    signature: str

    def signed(self) -> bytes:
        """The bytes that are signed."""
        fields = ("vidwiz checkpoint 1", *(str(field) for field in self[:-1]))
        return framed(*(field.encode() for field in fields))

    def digest(self) -> str:
        """What the next checkpoint has as its ``previous``: SHA-256, in hex."""
        return hashlib.sha256(self.signed() + framed(self.signature.encode())).hexdigest()


class Key(NamedTuple):
    """The key to the personal data of ``person``, in base64."""

    person: str
    key: str


class Header(NamedTuple):
    """What an export begins with: where its log ends, and who signed its checkpoints."""

    format: str
    public_keys: list[str]
    position: int
    hash: str


class Trailer(NamedTuple):
    """What an export ends with: how much there was, and SHA-256 of all bytes before, in hex."""

    events: int
    checkpoints: int
    keys: int
    sha256: str


Typed = TypeVar("Typed", bound=tuple[Any, ...])
Record: TypeAlias = Header | Key | ExportedEvent | Checkpoint | Trailer


def framed(*fields: bytes) -> bytes:
    """The fields, each behind its length in 4 bytes, big-endian."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def event_hash(previous: bytes, event: ExportedEvent) -> bytes:
    """SHA-256 over the previous hash and the event's fields, framed, in their order.

    The trigger ``chain_event`` computes the same.
    """
    texts = (str(event.position), event.stream_id, str(event.version), *event[3:6])
    fields = framed(*(text.encode() for text in texts), event.state)
    return hashlib.sha256(previous + fields).digest()


class Chain:
    """Goes along the log from its first event and checks every link."""

    def __init__(self) -> None:
        self.position = 0
        self.head = GENESIS

    def follow(self, event: ExportedEvent) -> None:
        """Check the next event; raises ``ChainBroken``."""
        if event.position != self.position + 1:
            raise ChainBroken(self.position + 1, f"is missing; {event.position} comes next")
        if event.previous_hash != self.head:
            raise ChainBroken(event.position, "does not follow from the one before it")
        if event.hash != event_hash(self.head, event):
            raise ChainBroken(event.position, "does not have the hash of what it says")
        self.position, self.head = event.position, event.hash


class Order:
    """Checks that versions count up in each stream and that times go on, as the log demands.

    Keeps a number for each stream: about 150 bytes.
    """

    def __init__(self) -> None:
        self._versions: dict[bytes, int] = {}
        self._newest = datetime.min + MAY_GO_BACK  # noqa: DTZ901  all are in UTC

    def follow(self, event: ExportedEvent) -> None:
        """Check the next event; raises ``ChainBroken``."""
        try:
            stream = UUID(event.stream_id).bytes
            at = datetime.fromisoformat(event.recorded_at[:-1])  # Python 3.10 does not know the Z
            late = at < self._newest - MAY_GO_BACK
        except (ValueError, TypeError):  # a time with a zone cannot be compared
            raise ChainBroken(event.position, "has no stream or no time") from None
        last = self._versions.get(stream)
        expected = (0, 1) if last is None else (last + 1,)
        if event.version not in expected:
            gap = f"has version {event.version} of its stream, which had {last or 'none'} before"
            raise ChainBroken(event.position, gap)
        self._versions[stream] = event.version
        if late:
            back = f"is dated {event.recorded_at}, before what comes before it"
            raise ChainBroken(event.position, back)
        self._newest = max(self._newest, at)


# Ed25519 as in RFC 8032, section 5.1.7, for checking only. Points are (X, Y, Z, T).
Point: TypeAlias = tuple[int, int, int, int]
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
_NEUTRAL: Point = (0, 1, 1, 0)


def ed25519_genuine(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed the message."""
    point = _decoded(public_key)
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or len(signature) != SIGNATURE_BYTES or scalar >= _ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + public_key + message).digest()
    factor = int.from_bytes(challenge, "little") % _ORDER
    x, y, z, t = point
    commitment = _combined(scalar, _BASE, factor, (-x, y, z, -t))
    return _encoded(commitment) == signature[:32]


def _combined(a: int, one: Point, b: int, other: Point) -> Point:
    """The sum of ``a`` times one point and ``b`` times the other."""
    choices = (None, one, other, _sum(one, other))
    result = _NEUTRAL
    for bit in range(max(a.bit_length(), b.bit_length()) - 1, -1, -1):
        result = _sum(result, result)
        chosen = choices[(a >> bit & 1) | (b >> bit & 1) << 1]
        if chosen is not None:
            result = _sum(result, chosen)
    return result


def _sum(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decoded(encoded: bytes) -> Point | None:
    number = int.from_bytes(encoded, "little")
    y, odd = number & (2**255 - 1), number >> 255
    if len(encoded) != KEY_BYTES or y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _ROOT_OF_MINUS_1 % _P
    if x * x % _P != square or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE: Point = _decoded((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _NEUTRAL


class Audit:
    """Checks a log's events and checkpoints, handed over in the order of their positions.

    A checkpoint comes right behind the event that it pins. ``trusted`` are the public keys, in
    hex, whose signatures count; ``kept`` are hashes of positions that somebody wrote down.
    """

    def __init__(
        self,
        trusted: Collection[str],
        kept: Mapping[int, str] | None = None,
        *,
        genuine: Genuine = ed25519_genuine,
    ) -> None:
        self.chain = Chain()
        self._order = Order()
        self.checkpoints = 0
        self.pinned = 0
        """The position of the last checkpoint."""
        self._digest = GENESIS.hex()
        self._trusted = trusted
        self._kept = dict(kept or {})
        self._genuine = genuine

    def event(self, event: ExportedEvent) -> None:
        """Check the next event; raises ``ChainBroken``."""
        self.chain.follow(event)
        self._order.follow(event)
        if self._kept and self._kept.pop(event.position, event.hash.hex()) != event.hash.hex():
            raise ChainBroken(event.position, "is not what was kept of it elsewhere")

    def checkpoint(self, it: Checkpoint) -> None:
        """Check the next checkpoint, alone and against the log; raises ``ChainBroken``."""
        at = self.chain.position
        if it.position > at:
            raise ChainBroken(at + 1, f"is missing, but checkpoint {it.position} was signed")
        if it.position < at or it.position == self.pinned:
            raise ChainBroken(at, f"is followed by checkpoint {it.position}, out of its place")
        self._check_signature(it)
        if it.previous != self._digest:
            raise ChainBroken(at, "has a checkpoint that does not follow from the one before it")
        if (it.hash, it.events) != (self.chain.head.hex(), at):
            written_anew = f"positions {self.pinned + 1} to {at} were written anew"
            raise ChainBroken(at, f"is not what its checkpoint signed: {written_anew}")
        self.pinned, self._digest = at, it.digest()
        self.checkpoints += 1

    def end(self) -> None:
        """There is nothing more; raises ``ChainBroken`` if there should be."""
        if self._kept:
            beyond = min(self._kept)
            raise ChainBroken(self.chain.position + 1, f"is missing, but {beyond} was kept")

    def _check_signature(self, it: Checkpoint) -> None:
        if it.public_key not in self._trusted:
            stranger = f"has a checkpoint signed with {it.public_key}, which is not trusted"
            raise Stranger(it.position, stranger)
        key, signature = bytes.fromhex(it.public_key), _unhex(it.signature)
        if not self._genuine(key, it.signed(), signature):
            raise ChainBroken(it.position, "has a checkpoint whose signature is not genuine")


class Verified(NamedTuple):
    """What an export holds that was found in order; ``head`` is the last hash, in hex."""

    position: int
    head: str
    checkpoints: int
    keys: int
    public_keys: list[str]


class Export:
    """An export that is checked while it is read: iterate over it to the end.

    Without ``trusted`` the keys that the export names are believed, which proves that it is
    whole, but not who wrote it.
    """

    def __init__(
        self,
        lines: Iterable[bytes],
        trusted: Collection[str] = (),
        kept: Mapping[int, str] | None = None,
        *,
        genuine: Genuine = ed25519_genuine,
    ) -> None:
        self.line = 0
        """How many lines were read."""
        self._lines = iter(lines)
        self._given = trusted
        self._kept, self._genuine = kept, genuine
        self._bytes = hashlib.sha256()
        self._keys = 0
        self._audit = Audit(())
        self.header = Header(FORMAT, [], 0, GENESIS.hex())

    def __iter__(self) -> Iterator[Key | ExportedEvent | Checkpoint]:
        """What was exported, each once it was checked; raises ``ChainBroken``."""
        self._begin(self._next())
        while not isinstance(record := self._checked(self._next()), Trailer):
            yield record
        if next(self._lines, b""):
            raise ChainBroken(self._audit.chain.position + 1, "stands behind the end")

    def verified(self) -> Verified:
        """Read on to the end, and what was found; raises ``ChainBroken``."""
        for _ in self:
            pass
        chain, header = self._audit.chain, self.header
        checkpoints = self._audit.checkpoints
        return Verified(chain.position, header.hash, checkpoints, self._keys, header.public_keys)

    def _next(self) -> bytes:
        line = next(self._lines, b"")
        self.line += 1
        if not line:
            raise ChainBroken(self._audit.chain.position + 1, "is missing: the file was cut")
        return line

    def _begin(self, line: bytes) -> None:
        header = read_line(line)
        if not isinstance(header, Header) or header.format != FORMAT:
            raise ChainBroken(0, f"is no header of {FORMAT}")
        strangers = set(header.public_keys) - set(self._given or header.public_keys)
        if strangers:
            raise Stranger(0, f"names {min(strangers)}, which is not trusted, as a signer")
        self.header = header
        trusted = self._given or header.public_keys
        self._audit = Audit(trusted, self._kept, genuine=self._genuine)
        self._bytes.update(line)

    def _checked(self, line: bytes) -> Key | ExportedEvent | Checkpoint | Trailer:
        record, position = read_line(line), self._audit.chain.position
        if isinstance(record, ExportedEvent):
            self._audit.event(record)
        elif isinstance(record, Checkpoint):
            self._audit.checkpoint(record)
        elif isinstance(record, Key):
            self._keys += 1
        elif isinstance(record, Trailer):
            self._end(record)
        if record is None or isinstance(record, Header):
            raise ChainBroken(position + 1, "cannot be read")
        self._bytes.update(line)
        return record

    def _end(self, trailer: Trailer) -> None:
        self._audit.end()
        at, head = self._audit.chain.position, self._audit.chain.head.hex()
        if at < self.header.position:
            raise ChainBroken(at + 1, "is missing: the log went on")
        if self._audit.pinned < at:
            raise ChainBroken(self._audit.pinned + 1, "and all behind it are in no checkpoint")
        if (at, head) != (self.header.position, self.header.hash):
            raise ChainBroken(at, "is not the head that the header names")
        counts = (at, self._audit.checkpoints, self._keys)
        if trailer != (*counts, self._bytes.hexdigest()):
            raise ChainBroken(at, "is followed by a trailer that does not fit what it ends")


def read_line(line: bytes) -> Record | None:
    """The record in a line of an export; None if it is none, or not spelled as we spell it."""
    try:
        fields = json.loads(line.decode())
        if not isinstance(fields, dict) or line_of(fields) != line:
            return None
        record: Record = _READERS[fields.pop("kind")](fields)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return record


def line_of(fields: Mapping[str, Any]) -> bytes:
    """The one way to write a record down: compact JSON in UTF-8, and a newline."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def checkpoint_line(it: Checkpoint) -> bytes:
    """The checkpoint as a line of an export, and as the copy that is kept elsewhere."""
    return line_of({"kind": "checkpoint", **it._asdict()})


def _event(fields: dict[str, Any]) -> ExportedEvent:
    name = fields.pop("stream")
    if name is not None and str(uuid5(STREAM_NAMESPACE, name)) != fields["stream_id"]:
        raise ValueError("the stream's name is another stream's")
    if "state_base64" in fields:
        state = _unbase64(fields.pop("state_base64"))
    else:
        state = fields.pop("state").encode()
    previous, its = _unhex(fields.pop("previous_hash")), _unhex(fields.pop("hash"))
    event = ExportedEvent(**fields, state=state, previous_hash=previous, hash=its)
    return _typed(event, int, str, int, str, str, str, bytes, bytes, bytes)


def _unhex(text: str) -> bytes:
    """Only the usual spelling, or a changed letter could mean the same; raises ``ValueError``."""
    its = bytes.fromhex(text)
    if its.hex() != text:
        raise ValueError("not hex in lower case")
    return its


def _unbase64(text: str) -> bytes:
    its = base64.b64decode(text, validate=True)
    if base64.b64encode(its).decode() != text:
        raise ValueError("not the usual base64")
    return its


def _typed(record: Typed, *types: type) -> Typed:
    if any(type(field) is not its for field, its in zip(record, types, strict=True)):
        raise TypeError("a field is of another type")
    return record


def _checkpoint(fields: dict[str, Any]) -> Checkpoint:
    it = _typed(Checkpoint(**fields), int, str, int, str, str, str, str)
    for text in (it.hash, it.public_key, it.previous, it.signature):
        _unhex(text)
    return it


def _header(fields: dict[str, Any]) -> Header:
    header = _typed(Header(**fields), str, list, int, str)
    for key in header.public_keys:
        _unhex(key)
    return header


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "header": _header,
    "key": lambda its: _typed(Key(**its), str, str),
    "event": _event,
    "checkpoint": _checkpoint,
    "trailer": lambda its: _typed(Trailer(**its), int, int, int, str),
}


def bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of the file; one that is too long to be ours comes in parts."""
    return iter(lambda: file.readline(LONGEST_LINE), b"")


def kept_hashes(paths: Iterable[Path]) -> dict[int, str]:
    """The hash of each position that these copies pin; raises ``ValueError``, ``OSError``."""
    kept = {}
    for path in paths:
        it = read_line(path.read_bytes())
        if not isinstance(it, Checkpoint):
            raise ValueError(f"{path} is no checkpoint")  # noqa: TRY004  the file's, not the type's
        kept[it.position] = it.hash
    return kept


def public_key(text: str) -> str:
    """The public key in the spelling of checkpoints; raises ``ValueError``."""
    key = bytes.fromhex(text)
    if len(key) != KEY_BYTES:
        raise ValueError("a public key has 64 hex digits")
    return key.hex()


def opened(name: str) -> BinaryIO:
    """The export's bytes: of a plain file or a .gz, or of standard input for ``-``."""
    if name == "-":
        return sys.stdin.buffer
    if name.endswith(".zst"):
        raise ValueError(f"decompress it first: zstd -dc {name} | python3 verify_export.py -")
    return gzip.open(name) if name.endswith(".gz") else Path(name).open("rb")  # type: ignore[return-value]


def main() -> int:
    """Verify the export that the command line names; 0 if it is sound, 1 if not, 2 if unread."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("export", help="a file, plain or .gz, or - for standard input")
    parser.add_argument("--public-key", action="append", type=public_key, default=[], metavar="HEX")
    parser.add_argument(
        "--checkpoint", nargs="+", type=Path, default=[], metavar="FILE", help="copies kept apart"
    )
    asked = parser.parse_args()
    try:
        kept = kept_hashes(asked.checkpoint)
        with closing(opened(asked.export)) as file:
            export = Export(bounded_lines(file), asked.public_key, kept)
            return _told(export, pinned=bool(asked.public_key))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        sys.stderr.write(f"cannot read the export: {error}\n")
        return 2


def _told(export: Export, *, pinned: bool) -> int:
    try:
        sys.stdout.write(f"{described(export.verified(), pinned=pinned)}\n")
    except ChainBroken as broken:
        sys.stderr.write(f"line {export.line}: {broken}\n")
        return 1
    return 0


def described(found: Verified, *, pinned: bool) -> str:
    """What was found, in a sentence or two."""
    told = (
        f"The export is whole: {found.position} events, head {found.head},"
        f" {found.checkpoints} genuine checkpoints."
    )
    if pinned:
        return told
    return f"{told} Its own word for who signed it: {', '.join(found.public_keys) or 'nobody'}."


if __name__ == "__main__":
    sys.exit(main())
