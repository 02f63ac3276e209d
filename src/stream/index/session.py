"""One batch of decisions on an index: what it reads is kept, what it records its later decisions see at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from stream.dedup import Candidates, Earlier, Subject
from stream.errors import IndexFault
from stream.events import ClusterEvent, FingerprintEvent
from stream.fingerprint import Fingerprint
from stream.index import keys
from stream.index.cluster import grown
from stream.index.keys import POSTING_BYTES, Posting
from stream.index.packing import earlier_of, pack_document, unpack_document
from stream.index.scope import ScopeView
from stream.index.store import Store

POSTINGS_MAX: Final = 32
CANDIDATES_MAX: Final = 16
#: An article that shares less than this part of the anchors of the shorter text is not looked at.
ANCHORS_SHARED_MIN: Final = 0.2

#: Scope and offset: where an article stands in an index.
Place = tuple[str, int]


class Position(msgspec.Struct, array_like=True):
    """How far an index has come. ``last``: offset of its newest article, -1 for none."""

    version: str
    last: int = -1
    changelog_end: int = 0
    documents: int = 0


class Session:
    """One batch of decisions. `PartitionIndex.session` makes it, `PartitionIndex.commit` writes what it recorded.

    ``recent``: articles that the index has at hand; they are what the store would give.
    """

    def __init__(self, store: Store, position: Position, *, window_s: int, recent: Mapping[Place, Earlier]) -> None:
        self.position = position
        #: Articles that were looked at or recorded, for the index to keep at hand.
        self.seen: dict[Place, Earlier] = {}
        self._store = store
        self._window_s = window_s
        self._recent = recent
        self._scopes: dict[str, ScopeView] = {}
        self._clusters: dict[tuple[str, str], ClusterEvent] = {}

    def prefetch(self, subjects: Iterable[tuple[Subject, str]]) -> None:
        """Read at once what deciding these (subject, event id) will ask for."""
        wanted: dict[str, set[bytes]] = {}
        for subject, event_id in subjects:
            wanted.setdefault(subject.scope, set()).update(keys.names_of(subject, event_id))
        for scope, names in wanted.items():
            self._scope(scope).load(names)

    def delivered(self, scope: str, event_id: str, *, offset: int, time: int) -> FingerprintEvent | None:
        """The record of an event that was decided before: within the window, or read again after a restart.

        ``offset`` and ``time`` are those of the delivery in hand, in the normalized topic and in milliseconds.
        """
        view = self._scope(scope)
        horizon = 0 if offset <= self.position.last else view.horizon(time)
        # Behind ``offset`` stands what was decided later: not what this delivery was told the first time.
        postings = keys.unpack_postings(view.get(keys.event_name(event_id)))
        known = [(decided_at, seen) for decided_at, seen, _ in postings if decided_at <= offset]
        if not known or known[-1][1] < horizon:
            return None
        value = view.get(keys.document_name(known[-1][0]))
        return _document(value) if value else None

    def candidates(self, subject: Subject, *, time: int) -> Candidates:
        """Earlier articles that ``subject``, seen at ``time`` (milliseconds), may be a version or a copy of.

        Work is bounded: at most `POSTINGS_MAX` postings an anchor are read, and `CANDIDATES_MAX` articles.
        """
        view, scope = self._scope(subject.scope), subject.scope
        horizon = view.horizon(time)
        addresses = [at for name in keys.address_names(subject) for at in _visible(view, name, horizon)]
        texts = _visible(view, keys.text_name(subject.print.text_hash), horizon)
        return Candidates(
            same_address=self._earlier(scope, max(addresses)) if addresses else None,
            same_text=self._earlier(scope, min(texts)) if texts else None,
            similar=() if texts else self._similar(scope, subject.print, horizon),
        )

    def record(self, event: FingerprintEvent) -> None:
        """Add a decided event; its ``previous`` must be the index's last offset."""
        view = self._scope(event.scope)
        view.advance(event.event_time, offset=event.offset)
        self._put_document(view, event)
        self._put_cluster(view, event)
        self.position.last = event.offset
        self.position.documents += 1

    def cluster(self, scope: str, cluster_id: str) -> ClusterEvent | None:
        """The cluster as it stands after all that was recorded."""
        known = self._clusters.get((scope, cluster_id))
        if known is None:
            value = self._scope(scope).get(keys.cluster_name(cluster_id))
            known = msgspec.msgpack.decode(value, type=ClusterEvent) if value else None
        return known

    def changes(self) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Keys and values to be put into the store, after all keys with one of the prefixes are removed."""
        puts = {keys.POSITION: msgspec.msgpack.encode(self.position)}
        dropped: list[bytes] = []
        for view in self._scopes.values():
            written, emptied = view.changes()
            puts.update(written)
            dropped += emptied
        return puts, dropped

    def _scope(self, scope: str) -> ScopeView:
        view = self._scopes.get(scope)
        if view is None:
            view = self._scopes[scope] = ScopeView(self._store, scope, window_s=self._window_s)
        return view

    def _similar(self, scope: str, ours: Fingerprint, horizon: int) -> list[Earlier]:
        names = keys.anchor_names(ours.anchors)
        shared: dict[int, int] = {}
        sizes: dict[int, int] = {}
        for value in self._scope(scope).get_many(names):
            for offset, seen, anchors in keys.unpack_postings(value):
                if seen >= horizon:
                    shared[offset] = shared.get(offset, 0) + 1
                    sizes[offset] = anchors
        near = sorted(
            (-count, offset)
            for offset, count in shared.items()
            if count >= ANCHORS_SHARED_MIN * min(sizes[offset], len(names))
        )
        return [self._earlier(scope, offset) for _, offset in near[:CANDIDATES_MAX]]

    def _earlier(self, scope: str, offset: int) -> Earlier:
        place = (scope, offset)
        known = self.seen.get(place) or self._recent.get(place)
        if known is None:
            value = self._scope(scope).get(keys.document_name(offset))
            if value is None:
                raise IndexFault(f"the index lacks the article at {offset}; delete its folder, it is rebuilt")
            known = earlier_of(_document(value))
        self.seen[place] = known
        return known

    def _put_document(self, view: ScopeView, event: FingerprintEvent) -> None:
        earlier = self.seen[event.scope, event.offset] = earlier_of(event)
        anchors = earlier.print.anchors
        view.put(keys.document_name(event.offset), pack_document(event))
        posting = keys.pack_posting(Posting(event.offset, view.now, len(anchors)))
        for name in keys.address_names(event):
            view.put(name, posting)
        _put_text(view, event.text_hash, posting)
        names = [keys.event_name(event.event_id)]
        if event.duplicate.relation not in ("recrawl", "copy"):
            # The same text is found by its hash; its anchors would only crowd the postings.
            names += keys.anchor_names(anchors)
        view.append(names, posting, bytes_max=POSTINGS_MAX * POSTING_BYTES)

    def _put_cluster(self, view: ScopeView, event: FingerprintEvent) -> None:
        cluster_id = event.duplicate.cluster_id
        known = None if event.duplicate.relation == "new" else self.cluster(event.scope, cluster_id)
        cluster = self._clusters[event.scope, cluster_id] = grown(known, event)
        view.put(keys.cluster_name(cluster_id), msgspec.msgpack.encode(cluster))


def _put_text(view: ScopeView, text_hash: str, posting: bytes) -> None:
    """Keep the first article with this text that is still visible, and the newest one."""
    name = keys.text_name(text_hash)
    value, horizon = view.get(name) or b"", view.horizon()
    visible = [place for place, (_, seen, _) in enumerate(keys.unpack_postings(value)) if seen >= horizon]
    start = visible[0] * POSTING_BYTES if visible else len(value)
    view.put(name, value[start : start + POSTING_BYTES] + posting)


def _visible(view: ScopeView, name: bytes, horizon: int) -> list[int]:
    """The offsets of the articles under ``name`` that are not forgotten."""
    return [offset for offset, seen, _ in keys.unpack_postings(view.get(name)) if seen >= horizon]


def _document(value: bytes) -> FingerprintEvent:
    try:
        return unpack_document(value)
    except msgspec.MsgspecError as error:
        raise IndexFault(f"an article in the index is damaged: {error}; delete its folder, it is rebuilt") from error
