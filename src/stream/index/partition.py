"""The index of one partition: look up, record, expire, restore.

It is a fold over fingerprint events: `PartitionIndex` holds nothing that a replay of the changelog would not
give again. Everything is kept by scope, and time is the scope's own (the latest event time seen in it), so a
verdict depends on the earlier messages of its scope and on nothing else, however scopes share partitions.

Keys, behind the scope's hash and a generation: event id, address, text hash, anchor, document, cluster. A value
written in the current generation replaces that of the previous one. Postings are lists of (offset, time, number
of anchors), the newest `POSTINGS_MAX` of them. Expiry drops whole generations: when the current one is older
than the window, it becomes the previous one and the previous one is dropped. What is dropped was invisible
before, so when it happens cannot change a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np

from stream.dedup import VERSION, Candidates, Earlier, Subject
from stream.errors import IndexFault
from stream.events import ClusterEvent, FingerprintEvent
from stream.fingerprint import Fingerprint
from stream.fold import Hashes
from stream.index.cluster import grown
from stream.index.store import Store

POSTINGS_MAX: Final = 32
CANDIDATES_MAX: Final = 16
#: An article that shares less than this part of the anchors of the shorter text is not looked at.
ANCHORS_SHARED_MIN: Final = 0.2

_EVENT, _URL, _ID, _TEXT, _ANCHOR, _DOCUMENT, _CLUSTER = (bytes([kind]) for kind in range(7))
_META_PREFIX: Final = bytes(9)
_POSITION: Final = _META_PREFIX + b"position"
_SCOPE: Final = _META_PREFIX + b"scope"
Postings = np.ndarray[tuple[int], np.dtype[np.void]]
_POSTING: Final = np.dtype([("offset", "<u8"), ("seen", "<u4"), ("anchors", "<u4")])


class _Position(msgspec.Struct, array_like=True):
    """How far the index has come. ``last``: offset of its newest document, -1 for none."""

    version: str
    last: int = -1
    changelog_end: int = 0
    documents: int = 0


class _ScopeState(msgspec.Struct, array_like=True):
    """The clock of one scope, in seconds since 1970, and its generations."""

    now: int = 0
    generation: int = 0
    began: int = 0


class Document(msgspec.Struct, array_like=True):
    """One article as it is stored. ``seen``: the scope's time when it was recorded, in seconds."""

    seen: int
    event: FingerprintEvent

    def earlier(self) -> Earlier:
        """The view that the decision takes of it."""
        event = self.event
        return Earlier(
            offset=event.offset,
            id=event.id,
            source=event.source,
            cluster_id=event.duplicate.cluster_id,
            revision=event.revision,
            print=unpack_fingerprint(event),
        )


@dataclass(slots=True)
class Session:
    """One batch of decisions: what it reads is kept, what it records is seen by its later decisions at once."""

    index: PartitionIndex
    position: _Position
    values: dict[bytes, bytes | None] = field(default_factory=dict)
    changed: dict[bytes, bytes] = field(default_factory=dict)
    dropped: set[bytes] = field(default_factory=set)
    scopes: dict[bytes, _ScopeState] = field(default_factory=dict)
    documents: dict[tuple[bytes, int], Document] = field(default_factory=dict)

    def prefetch(self, subjects: Iterable[tuple[Subject, str]]) -> None:
        """Read at once what deciding these (subject, event id) will ask for."""
        wanted: dict[bytes, set[bytes]] = {}
        for subject, event_id in subjects:
            wanted.setdefault(scope_hash(subject.scope), set()).update(_names_of(subject, event_id))
        for prefix, names in wanted.items():
            self._load(prefix, names)

    def delivered(self, scope: str, event_id: str, *, offset: int, time: int) -> FingerprintEvent | None:
        """The record of an event that was decided before: within the window, or read again after a restart.

        ``offset`` and ``time`` are those of the delivery in hand, in the normalized topic and in milliseconds.
        """
        prefix = scope_hash(scope)
        horizon = 0 if offset <= self.position.last else self._horizon(prefix, time)
        for decided_at, seen, _ in self._postings(prefix, _EVENT + bytes.fromhex(event_id)).tolist():
            document = self._document(prefix, decided_at) if seen >= horizon else None
            if document:
                return document.event
        return None

    def candidates(self, subject: Subject, *, time: int) -> Candidates:
        """Earlier articles that ``subject``, seen at ``time``, may be a version or a copy of.

        Work is bounded: at most `POSTINGS_MAX` postings an anchor are read, and `CANDIDATES_MAX` articles.
        """
        prefix = scope_hash(subject.scope)
        horizon = self._horizon(prefix, time)
        same_text = self._visible(prefix, _TEXT + bytes.fromhex(subject.print.text_hash), horizon)
        return Candidates(
            same_address=self._newest_at(prefix, subject, horizon),
            same_text=self._earlier(prefix, int(same_text["offset"].min())) if len(same_text) else None,
            similar=() if len(same_text) else self._similar(prefix, subject.print, horizon),
        )

    def record(self, event: FingerprintEvent) -> None:
        """Add a decided event; its ``previous`` must be the index's last offset."""
        prefix, state = scope_hash(event.scope), self._scope(event.scope)
        state.now = max(state.now, _seconds(event.event_time))
        if state.now - state.began > self.index.window_s:
            self._next_generation(prefix, state)
        self.changed[_SCOPE + prefix] = msgspec.msgpack.encode(state)
        self._put_document(prefix, Document(state.now, event))
        self._put_cluster(prefix, event)
        self.position.last = event.offset
        self.position.documents += 1

    def cluster(self, scope: str, cluster_id: str) -> ClusterEvent | None:
        """The cluster as it stands after all that was recorded."""
        value = self._get(scope_hash(scope), _CLUSTER + bytes.fromhex(cluster_id))
        return msgspec.msgpack.decode(value, type=ClusterEvent) if value else None

    # Reading

    def _load(self, prefix: bytes, names: set[bytes]) -> None:
        missing = [name for name in names if prefix + name not in self.values]
        current, previous = self._generations(prefix)
        found = self.index.store.get_many([prefix + current + name for name in missing])
        values = dict(zip(missing, found, strict=True))
        older = [name for name, value in values.items() if value is None] if self._scope_state(prefix).generation else []
        values.update(zip(older, self.index.store.get_many([prefix + previous + name for name in older]), strict=True))
        self.values.update((prefix + name, value) for name, value in values.items())

    def _get(self, prefix: bytes, name: bytes) -> bytes | None:
        key = prefix + name
        if key not in self.values:
            self._load(prefix, {name})
        return self.values[key]

    def _postings(self, prefix: bytes, name: bytes) -> Postings:
        return np.frombuffer(self._get(prefix, name) or b"", dtype=_POSTING)

    def _visible(self, prefix: bytes, name: bytes, horizon: int) -> Postings:
        postings = self._postings(prefix, name)
        return postings[postings["seen"] >= horizon] if len(postings) else postings

    def _newest_at(self, prefix: bytes, subject: Subject, horizon: int) -> Earlier | None:
        found = [self._visible(prefix, name, horizon) for name in _addresses(subject)]
        offsets = [int(postings["offset"].max()) for postings in found if len(postings)]
        return self._earlier(prefix, max(offsets)) if offsets else None

    def _similar(self, prefix: bytes, ours: Fingerprint, horizon: int) -> list[Earlier]:
        values = self.values
        names = _anchor_names(ours.anchors)
        joined = b"".join(values.get(prefix + name) or self._get(prefix, name) or b"" for name in names)
        postings = np.frombuffer(joined, dtype=_POSTING)
        postings = postings[postings["seen"] >= horizon]
        offsets, first, counts = np.unique(postings["offset"], return_index=True, return_counts=True)
        shorter = np.minimum(postings["anchors"][first], len(names))
        offsets, counts = offsets[near := counts >= ANCHORS_SHARED_MIN * shorter], counts[near]
        best = np.lexsort((offsets, -counts))[:CANDIDATES_MAX]
        found = (self._earlier(prefix, offset) for offset in offsets[best].tolist())
        return [earlier for earlier in found if earlier is not None]

    def _earlier(self, prefix: bytes, offset: int) -> Earlier | None:
        document = self._document(prefix, offset)
        return document.earlier() if document else None

    def _document(self, prefix: bytes, offset: int) -> Document | None:
        known = self.documents.get((prefix, offset))
        if known is None:
            value = self._get(prefix, _DOCUMENT + offset.to_bytes(8, "big"))
            if value is None:
                return None
            known = self.documents[prefix, offset] = msgspec.msgpack.decode(value, type=Document)
        return known

    def _scope(self, scope: str) -> _ScopeState:
        return self._scope_state(scope_hash(scope))

    def _scope_state(self, prefix: bytes) -> _ScopeState:
        state = self.scopes.get(prefix)
        if state is None:
            value = self.index.store.get_many([_SCOPE + prefix])[0]
            state = msgspec.msgpack.decode(value, type=_ScopeState) if value else _ScopeState()
            self.scopes[prefix] = state
        return state

    def _generations(self, prefix: bytes) -> tuple[bytes, bytes]:
        current = self._scope_state(prefix).generation & 1
        return _PARITIES[current], _PARITIES[1 - current]

    def _horizon(self, prefix: bytes, time: int) -> int:
        return max(0, max(self._scope_state(prefix).now, _seconds(time)) - self.index.window_s)

    # Writing

    def _put(self, prefix: bytes, name: bytes, value: bytes) -> None:
        current, _ = self._generations(prefix)
        self.values[prefix + name] = self.changed[prefix + current + name] = value

    def _put_document(self, prefix: bytes, document: Document) -> None:
        event = document.event
        self._put(prefix, _DOCUMENT + event.offset.to_bytes(8, "big"), msgspec.msgpack.encode(document))
        self.documents[prefix, event.offset] = document
        anchors = np.frombuffer(event.anchors, dtype="<u8")
        posting = np.array([(event.offset, document.seen, len(anchors))], dtype=_POSTING).tobytes()
        self._put(prefix, _EVENT + bytes.fromhex(event.event_id), posting)
        for name in _addresses(event):
            self._put(prefix, name, posting)
        self._put_text(prefix, event.text_hash, posting)
        if event.duplicate.relation not in ("recrawl", "copy"):
            # The same text is found by its hash; its anchors would only crowd the postings.
            self._append(prefix, _anchor_names(anchors), posting)

    def _put_text(self, prefix: bytes, text_hash: str, posting: bytes) -> None:
        """Keep the first article with this text that is still visible, and the newest one."""
        name = _TEXT + bytes.fromhex(text_hash)
        first = self._visible(prefix, name, self._horizon(prefix, 0))[:1].tobytes()
        self._put(prefix, name, first + posting)

    def _append(self, prefix: bytes, names: list[bytes], posting: bytes) -> None:
        kept = (POSTINGS_MAX - 1) * _POSTING.itemsize
        for name in names:
            self._put(prefix, name, (self._get(prefix, name) or b"")[-kept:] + posting)

    def _put_cluster(self, prefix: bytes, event: FingerprintEvent) -> None:
        name = _CLUSTER + bytes.fromhex(event.duplicate.cluster_id)
        value = None if event.duplicate.relation == "new" else self._get(prefix, name)
        known = msgspec.msgpack.decode(value, type=ClusterEvent) if value else None
        self._put(prefix, name, msgspec.msgpack.encode(grown(known, event)))

    def _next_generation(self, prefix: bytes, state: _ScopeState) -> None:
        """Begin a new generation in the place of the previous one, whose articles have all left the window."""
        first = state.began == 0
        state.began = state.now
        if first:
            return
        _, previous = self._generations(prefix)
        state.generation += 1
        full = prefix + previous
        self.dropped.add(full)
        for key in [key for key in self.changed if key.startswith(full)]:
            del self.changed[key]


class PartitionIndex:
    """The index of one partition over a `Store`.

    ``window_ms``: how far back articles are remembered, in milliseconds of the scope's own time.

    Raises:
        IndexFault: the store was written by another version of the rules.
    """

    def __init__(self, store: Store, *, window_ms: int) -> None:
        self.store = store
        self.window_s = window_ms // 1000
        value = store.get_many([_POSITION])[0]
        self._position = msgspec.msgpack.decode(value, type=_Position) if value else _Position(VERSION)
        if self._position.version != VERSION:
            raise IndexFault(
                f"the index was written by rules {self._position.version}, these are {VERSION}; "
                "delete its folder, it is rebuilt from the changelog"
            )

    @property
    def last_offset(self) -> int:
        """Offset in the normalized topic of the newest article, -1 for none."""
        return self._position.last

    @property
    def changelog_end(self) -> int:
        """Offset in the changelog from which on it has not been read."""
        return self._position.changelog_end

    @property
    def documents(self) -> int:
        """Articles recorded since the index began."""
        return self._position.documents

    def session(self) -> Session:
        """A batch of decisions on the index as it stands."""
        return Session(self, msgspec.structs.replace(self._position))

    def commit(self, session: Session, *, changelog_end: int | None = None) -> None:
        """Write what ``session`` recorded, in one step."""
        if changelog_end is not None:
            session.position.changelog_end = max(session.position.changelog_end, changelog_end)
        session.changed[_POSITION] = msgspec.msgpack.encode(session.position)
        self.store.write(session.changed, session.dropped)
        self._position = session.position

    def restore(self, events: Sequence[FingerprintEvent], *, changelog_end: int) -> int:
        """Take over changelog records and return how many were new.

        A record that does not follow the last one taken over is left out: what it was based on never reached
        the changelog, so nothing behind it was committed, and it is decided again. The first record of a
        trimmed changelog follows nothing.
        """
        session = self.session()
        taken = 0
        for event in events:
            if event.offset > session.position.last and session.position.last in (-1, event.previous):
                session.record(event)
                taken += 1
        self.commit(session, changelog_end=changelog_end)
        return taken

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def pack_fingerprint(found: Fingerprint) -> dict[str, bytes | int | str]:
    """The fields of a `FingerprintEvent` that hold ``found``."""
    return {
        "text_hash": found.text_hash,
        "tokens": found.tokens,
        "level": found.level,
        "sketch": found.sketch.astype("<u4").tobytes(),
        "anchors": found.anchors.astype("<u8").tobytes(),
        "numbers": found.numbers.astype("<u4").tobytes(),
        "title": found.title.astype("<u4").tobytes(),
    }


def unpack_fingerprint(event: FingerprintEvent) -> Fingerprint:
    """The fingerprint in a changelog record."""
    return Fingerprint(
        text_hash=event.text_hash,
        tokens=event.tokens,
        level=event.level,
        sketch=np.frombuffer(event.sketch, dtype="<u4"),
        anchors=np.frombuffer(event.anchors, dtype="<u8"),
        numbers=np.frombuffer(event.numbers, dtype="<u4"),
        title=np.frombuffer(event.title, dtype="<u4"),
    )


def scope_hash(scope: str) -> bytes:
    """Eight bytes that stand for a scope in keys; never all zero, which is where the index keeps its own state."""
    return b"\x01" + blake2b(scope.encode(), digest_size=7).digest()


def _addresses(subject: Subject | FingerprintEvent) -> list[bytes]:
    names = [_ID + blake2b(subject.id.encode(), digest_size=8).digest()]
    if subject.url_key:
        names.append(_URL + blake2b(subject.url_key.encode(), digest_size=8).digest())
    return names


def _names_of(subject: Subject, event_id: str) -> list[bytes]:
    text = _TEXT + bytes.fromhex(subject.print.text_hash)
    return [_EVENT + bytes.fromhex(event_id), text, *_addresses(subject), *_anchor_names(subject.print.anchors)]


def _anchor_names(anchors: Hashes) -> list[bytes]:
    joined = anchors.astype(">u8").tobytes()
    return [_ANCHOR + joined[start : start + 8] for start in range(0, len(joined), 8)]


def _seconds(milliseconds: int) -> int:
    # Years before 1970 are as good as 1970: they are outside every window.
    return max(0, milliseconds // 1000)


_PARITIES: Final = (b"\0", b"\1")
