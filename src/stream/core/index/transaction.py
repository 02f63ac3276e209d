"""One batch of decisions on an index: what it reads is kept, what it records its later decisions see at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

import msgspec
import numpy as np

from stream.core.contracts.events import ClusterEvent, FingerprintEvent
from stream.core.dedup.fingerprint import FORMAT, NO_HASHES, Fingerprint
from stream.core.dedup.rules import Candidates, IncomingArticle, IndexedArticle, new_cluster_id
from stream.core.index import keys
from stream.core.index.anchor_lookup import AnchorBloomFilter, Anchors, name_anchors
from stream.core.index.cluster import Cluster, begins_cluster
from stream.core.index.keys import POSTING_BYTES, Posting
from stream.core.index.postings import most_shared, not_leading, put_text, visible
from stream.core.index.records import Position, StoredArticle, Takedown, pack_article, unpack, unpack_article
from stream.core.index.scope_view import ScopeView
from stream.core.index.store import Store
from stream.errors import IndexDamaged

POSTINGS_MAX: Final = 32
CANDIDATES_MAX: Final = 16
#: An anchor with so many postings is furniture. Those of one cluster count once: see `Transaction.record`.
COMMON_MIN: Final = 12
#: A posting that leads to a cluster is trusted to do so for this part of the window: after that, another article of the
#: cluster leaves its own, so that those that are still visible are found.
LEADING_SHARE: Final = 8

#: So many removed articles in a row may stand in for one another.
STAND_INS_MAX: Final = 32

#: Scope and offset: where an article stands in an index.
DocumentKey = tuple[str, int]
#: An article, its scope, event id, text hash, the id of its cluster, and its anchors: what tells which names to read.
_Wanted = tuple[IncomingArticle | FingerprintEvent, str, str, str, str, bytes]


class Decided(NamedTuple):
    """An event that was decided before, at ``offset``; its article is None if it was removed since."""

    offset: int
    article: StoredArticle | None


class Transaction:
    """One batch of decisions. `PartitionIndex.transaction` makes it, `PartitionIndex.commit` writes what it recorded.

    ``recent``: articles that the index has at hand; they are what the store would give.
    """

    def __init__(
        self, store: Store, position: Position, *, window_s: int, recent: Mapping[DocumentKey, IndexedArticle]
    ) -> None:
        self.position = position
        #: Articles that were looked at or recorded, for the index to keep at hand.
        self.seen: dict[DocumentKey, IndexedArticle] = {}
        #: Those that were removed, for the index to let go.
        self.gone: set[DocumentKey] = set()
        self._store = store
        self._window_s = window_s
        self._recent = recent
        self._scopes: dict[str, ScopeView] = {}
        self._languages: dict[str, list[str]] = {}
        self._clusters: dict[tuple[str, str], Cluster | None] = {}
        self._takedowns: dict[str, Takedown] = {}
        self._anchors: dict[tuple[str, bytes], Anchors] = {}
        self._addresses: dict[tuple[str, str | None], list[bytes]] = {}

    def prefetch(self, subjects: Sequence[tuple[IncomingArticle, str]]) -> None:
        """Read at once what deciding these (subject, event id) will ask for; once, and before anything is recorded."""
        wanted: list[_Wanted] = []
        for subject, event_id in subjects:
            text_hash, anchors = subject.fingerprint.text_hash, subject.fingerprint.anchors.tobytes()
            cluster_id = new_cluster_id(subject.scope, subject.id, text_hash)
            wanted.append((subject, subject.scope, event_id, text_hash, cluster_id, anchors))
        self._prefetch(wanted)

    def prefetch_records(self, events: Sequence[FingerprintEvent], unseen: AnchorBloomFilter | None = None) -> None:
        """Read at once what recording ``events`` will ask for; with ``unseen``, the anchors that it knows alone."""
        wanted: list[_Wanted] = []
        for event in events:
            anchors = event.anchors if event.format == FORMAT else b""
            cluster_id = event.duplicate.cluster_id
            wanted.append((event, event.scope, event.event_id, event.text_hash, cluster_id, anchors))
        self._prefetch(wanted, unseen)
        self._prefetch_first([event for event in events if event.earlier_offset is not None])

    def delivered(self, scope: str, event_id: str, *, offset: int, time: int) -> Decided | None:
        """An event that was decided before: within the window, or read again after a restart.

        ``offset`` and ``time`` are those of the delivery in hand, in the normalized topic and in milliseconds.
        """
        view = self.scope(scope)
        horizon = 0 if offset <= self.position.last else view.horizon(time)
        # Behind ``offset`` stands what was decided later: not what this delivery was told the first time.
        value = view.get(keys.event_name(event_id))
        known = [place for place, _ in keys.visible_postings(value, horizon) if place <= offset] if value else []
        return Decided(known[-1], self.article(scope, known[-1])) if known else None

    def candidates(self, subject: IncomingArticle, *, time: int) -> Candidates:
        """Earlier articles that ``subject``, seen at ``time`` (milliseconds), may be a version or a copy of.

        Work is bounded: at most `POSTINGS_MAX` postings an anchor are read, and `CANDIDATES_MAX` articles.
        """
        view, scope = self.scope(subject.scope), subject.scope
        horizon = view.horizon(time)
        addresses = [at for name in self._address_names(subject) for at in visible(view, name, horizon)]
        same_address = next((found for at in sorted(addresses)[::-1] if (found := self._known(scope, at))), None)
        texts = visible(view, keys.text_name(subject.fingerprint.text_hash), horizon)
        alike = (found for at in sorted(texts) if (found := self._earlier(scope, at)))
        same_text = next(
            (found for found in alike if found.fingerprint.text_hash == subject.fingerprint.text_hash), None
        )
        if same_address or same_text:
            return Candidates(same_address=same_address, same_text=same_text)
        return self._similar(scope, subject.fingerprint, horizon)

    def record(self, event: FingerprintEvent) -> None:
        """Add a decided event; its ``previous`` must be the index's last offset.

        Anchors that lead to an article of its cluster already do not lead to this one too: a story that everybody
        reprints crowds nothing, and the postings of an anchor tell how many unrelated texts have it.
        """
        view = self.scope(event.scope)
        if view.is_new:
            self._register(event.scope)
            view.is_new = False
        if view.advance(event.event_time, offset=event.offset):
            self._clusters = {place: known for place, known in self._clusters.items() if place[0] != event.scope}
        view.put(keys.document_name(event.offset), pack_article(event))
        cluster = self._joined(event)
        self._put_names(view, event, cluster)
        self.position.last = event.offset
        self.position.documents += 1

    def cluster(self, scope: str, cluster_id: str) -> ClusterEvent | None:
        """The cluster as it stands after all that was recorded; None as long as it has one article."""
        known = self.cluster_state(scope, cluster_id)
        return known.event(cluster_id) if known else None

    @property
    def dropped(self) -> list[bytes]:
        """All keys with one of these prefixes are to be removed from the store, before `changes` are put into it."""
        return [prefix for view in self._scopes.values() for prefix in view.dropped]

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values to be put into the store."""
        encode = msgspec.msgpack.encode
        own = [(keys.POSITION, encode(self.position))]
        own += [(keys.takedown_key(event_id), encode(told)) for event_id, told in self._takedowns.items()]
        own += [(keys.tenant_key(tenant), encode(languages)) for tenant, languages in self._languages.items()]
        return chain(own, *(view.changes() for view in self._scopes.values()))

    # What removing articles asks for too

    @property
    def oldest(self) -> dict[str, int]:
        """For each scope in hand that has articles, when its oldest one was recorded: see `ScopeView.oldest`."""
        return {name: time for name, view in self._scopes.items() if (time := view.oldest) is not None}

    def scope(self, scope: str) -> ScopeView:
        """What the index holds of one scope."""
        view = self._scopes.get(scope)
        if view is None:
            view = self._scopes[scope] = ScopeView(self._store, scope, window_s=self._window_s)
        return view

    def languages(self, tenant: str) -> list[str]:
        """The languages in which ``tenant`` has articles here."""
        known = self._languages.get(tenant)
        if known is None:
            value = self._store.get_many([keys.tenant_key(tenant)])[0]
            known = unpack(value, list[str]) if value else []
        return known

    def article(self, scope: str, offset: int) -> StoredArticle | None:
        """The article at ``offset``; None if it was removed.

        Raises:
            IndexDamaged: the index does not hold what it points to.
        """
        value = self.scope(scope).get(keys.document_name(offset))
        if value is None:
            raise IndexDamaged(f"the index lacks the article at {offset}")
        if len(value) <= _FORWARD_BYTES_MAX:
            return None
        return unpack_article(value)

    def held(self, scope: str, offset: int) -> StoredArticle | None:
        """The article at ``offset``; None if it was removed, forgotten, or never restored.

        For what older records name: they may be remembered for longer than the article.
        """
        return self.article(scope, offset) if self._holds(scope, offset) else None

    def forward(self, scope: str, offset: int) -> int | None:
        """The offset of the article that stands in for the removed one at ``offset``, if there is one."""
        value = self.scope(scope).get(keys.document_name(offset)) or b""
        return int.from_bytes(value, "big") if value and len(value) <= _FORWARD_BYTES_MAX else None

    def put_removed(self, scope: str, offset: int, stand_in: int | None) -> None:
        """Forget the article at ``offset``; what leads to it leads to ``stand_in``, if that is given."""
        # One byte of zero stands for none: offset 0 has nothing before it that it could stand in for.
        value = stand_in.to_bytes(_FORWARD_BYTES_MAX, "big") if stand_in else b"\0"
        self.scope(scope).put(keys.document_name(offset), value)
        self.seen.pop((scope, offset), None)
        self.gone.add((scope, offset))

    def takedown(self, event_id: str) -> Takedown | None:
        """What this takedown removed, if it removed anything."""
        known = self._takedowns.get(event_id)
        if known is None:
            value = self._store.get_many([keys.takedown_key(event_id)])[0]
            known = unpack(value, Takedown) if value else None
        return known

    def put_takedown(self, event_id: str, told: Takedown) -> None:
        """Remember what a takedown removed: it may be delivered again, and has to be told again."""
        self._takedowns[event_id] = told

    def cluster_state(self, scope: str, cluster_id: str) -> Cluster | None:
        """What the index keeps of a cluster of two articles or more."""
        place = (scope, cluster_id)
        if place not in self._clusters:
            value = self.scope(scope).get(keys.cluster_name(cluster_id))
            self._clusters[place] = unpack(value, Cluster) if value else None
        return self._clusters[place]

    def put_cluster(self, scope: str, cluster_id: str, cluster: Cluster | None) -> None:
        """Keep ``cluster``; None for one that has nothing left in it."""
        self._clusters[scope, cluster_id] = cluster
        self.scope(scope).put(keys.cluster_name(cluster_id), msgspec.msgpack.encode(cluster) if cluster else b"")

    def _prefetch(self, wanted: Iterable[_Wanted], unseen: AnchorBloomFilter | None = None) -> None:
        by_scope: dict[str, tuple[list[bytes], list[bytes], list[bytes]]] = {}
        for article, scope, event_id, text_hash, cluster_id, anchors in wanted:
            known, clusters, joined = by_scope.setdefault(scope, ([], [], []))
            known += (keys.event_name(event_id), keys.text_name(text_hash), *self._address_names(article))
            clusters.append(keys.cluster_name(cluster_id))
            joined.append(anchors)
        for scope, (known, clusters, joined) in by_scope.items():
            # In the order of the store, where neighbours are read and written faster.
            view = self.scope(scope)
            view.load(sorted(set(known)))
            named = name_anchors(joined, view.look_up, unseen=unseen, salt=view.salt)
            view.keep(zip(named.shared, named.values, strict=True))
            view.expect(named.fresh, named.owners)
            self._anchors.update(zip(((scope, anchors) for anchors in joined), named.articles, strict=True))
            view.load(sorted(set(clusters)))

    def _prefetch_first(self, linked: Iterable[FingerprintEvent]) -> None:
        """Read the articles with which ``linked`` may begin a cluster."""
        by_scope: dict[str, set[bytes]] = {}
        for event in linked:
            if not self.cluster_state(event.scope, event.duplicate.cluster_id):
                by_scope.setdefault(event.scope, set()).add(keys.document_name(event.earlier_offset or 0))
        for scope, documents in by_scope.items():
            self.scope(scope).load(sorted(documents))

    def _anchors_of(self, scope: str, anchors: bytes) -> Anchors:
        """The names of anchors as a changelog record holds them; asked for three times while one is decided."""
        known = self._anchors.get((scope, anchors))
        if known is None:
            known = self._anchors[scope, anchors] = Anchors(keys.anchor_names(np.frombuffer(anchors, dtype="<u8")))
        return known

    def _address_names(self, article: IncomingArticle | FingerprintEvent) -> list[bytes]:
        place = (article.id, article.url_key)
        names = self._addresses.get(place)
        if names is None:
            names = self._addresses[place] = keys.address_names(article)
        return names

    def _register(self, scope: str) -> None:
        tenant, _, language = scope.rpartition("/")
        self._languages[tenant] = sorted({*self.languages(tenant), language})

    def _similar(self, scope: str, ours: Fingerprint, horizon: int) -> Candidates:
        view = self.scope(scope)
        shared, fresh, _ = self._anchors_of(scope, ours.anchors.tobytes())
        values = zip(shared, view.get_many(shared), strict=True)
        held = [(name, keys.visible_postings(value, horizon)) for name, value in values if value]
        common = [name for name, found in held if len(found) >= COMMON_MIN]
        telling = [found for _, found in held if 0 < len(found) < COMMON_MIN]
        if not telling and not common:
            return _NO_CANDIDATES
        near = most_shared(telling or [found for _, found in held], len(shared) + fresh)[:CANDIDATES_MAX]
        view.load([keys.document_name(offset) for offset in near if not self._at_hand((scope, offset))])
        earlier = (self._earlier(scope, offset) for offset in near)
        return Candidates(
            similar=[found for found in earlier if found],
            common=keys.anchors_named(common, ours.anchors) if common else NO_HASHES,
        )

    def _earlier(self, scope: str, offset: int) -> IndexedArticle | None:
        """The article at ``offset``, or the one that stands in for it if it was removed."""
        known = self._known(scope, offset)
        for _ in range(STAND_INS_MAX):
            stand_in = None if known else self.forward(scope, offset)
            if not stand_in or not self._holds(scope, stand_in):
                break
            offset, known = stand_in, self._known(scope, stand_in)
        return known

    def _holds(self, scope: str, offset: int) -> bool:
        return self.scope(scope).get(keys.document_name(offset)) is not None

    def _known(self, scope: str, offset: int) -> IndexedArticle | None:
        """The article at ``offset``; None if it was removed."""
        place = (scope, offset)
        known = self._at_hand(place)
        if known is None:
            article = self.article(scope, offset)
            if article is None:
                return None
            known = article.earlier(scope, offset)
        self.seen[place] = known
        return known

    def _at_hand(self, place: DocumentKey) -> IndexedArticle | None:
        return self.seen.get(place) or (None if place in self.gone else self._recent.get(place))

    def _joined(self, event: FingerprintEvent) -> Cluster | None:
        """The cluster of ``event`` with it counted in; None where it is the first one of its own."""
        scope, cluster_id = event.scope, event.duplicate.cluster_id
        cluster = self.cluster_state(scope, cluster_id)
        if begins_cluster(event):
            if cluster:  # it begins anew: what was in it is forgotten
                self.put_cluster(scope, cluster_id, None)
            return None
        if cluster is None:
            cluster = Cluster.begun(event.duplicate.duplicate_of or event.id)
            first = event.earlier_offset
            if first is not None and (article := self.held(scope, first)):
                cluster.add(article, scope, first)
        cluster.add(event, scope, event.offset)
        self.put_cluster(scope, cluster_id, cluster)
        return cluster

    def _put_names(self, view: ScopeView, event: FingerprintEvent, cluster: Cluster | None) -> None:
        anchors = self._anchors_of(event.scope, event.anchors) if event.format == FORMAT else _NO_ANCHORS
        names = list(anchors.shared)
        if event.duplicate.relation == "revision":  # it takes the place of the version before it
            view.remove(names, keys.posting_of(event.earlier_offset or 0), POSTING_BYTES)
        elif cluster:
            names = not_leading(view, names, set(cluster.members), max(0, view.now - self._window_s // LEADING_SHARE))
        posting = keys.pack_posting(Posting(event.offset, view.now, len(names) + anchors.fresh))
        if anchors.fresh:
            view.put_fresh(anchors.number, posting)
        if event.format == FORMAT:
            put_text(view, event.text_hash, posting)
        names += [keys.event_name(event.event_id), *self._address_names(event)]
        view.append(names, posting, bytes_max=POSTINGS_MAX * POSTING_BYTES)


#: Of an article that was removed, the store keeps where its stand-in is: fewer bytes than any article has.
_FORWARD_BYTES_MAX: Final = 8
_NO_CANDIDATES: Final = Candidates()
_NO_ANCHORS: Final = Anchors([])
