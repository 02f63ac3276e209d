"""One batch of decisions on an index: later decisions see what earlier ones recorded, and a commit writes it all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from stream.core.contracts.events import ClusterEvent, FingerprintEvent, Origin, RemovalEvent
from stream.core.dedup.articles import Candidates, IncomingArticle, IndexedArticle
from stream.core.dedup.fingerprint import FORMAT, Fingerprint
from stream.core.dedup.rules import new_cluster_id
from stream.core.dedup.versions import find_known_version
from stream.core.index import keys
from stream.core.index.bloom_filter import AnchorBloomFilter
from stream.core.index.candidates import choose_quoting, find_candidate_offsets
from stream.core.index.cluster import Cluster
from stream.core.index.cluster_changes import expire_clusters, join_cluster
from stream.core.index.postings import put_postings, visible_offsets
from stream.core.index.raw_marks import advance_mark, is_behind_mark
from stream.core.index.records import (
    Position,
    StoredArticle,
    StoredTakedown,
    pack_article,
    repack_as_notice,
    unpack,
    unpack_article,
)
from stream.core.index.scope_view import ScopeView
from stream.core.index.store import Store
from stream.errors import IndexDamaged

#: How many deleted articles in a row are followed to their successors.
SUCCESSORS_MAX: Final = 32

#: Scope and offset of an article.
DocumentKey = tuple[str, int]


class EarlierDecision(NamedTuple):
    """The earlier decision on an event.

    Attributes:
        offset: Offset in the normalized topic at which it was decided.
        article: The article; None if a takedown deleted it since.
    """

    offset: int
    article: StoredArticle | None


class _Prefetch(NamedTuple):
    """The inputs from which an article's index names are computed."""

    article: IncomingArticle | FingerprintEvent
    scope: str
    event_id: str
    text_hash: str
    cluster_id: str
    anchors: bytes


class Transaction:
    """One batch of decisions, begun by `PartitionIndex.begin_transaction` and written by `PartitionIndex.commit`.

    Args:
        store: The store of the index; it is only read.
        position: How far the index has read; the transaction moves it.
        window_s: Length of the window, in seconds.
        recent: The index's cache of decoded articles, all of which are committed.
    """

    def __init__(
        self, store: Store, position: Position, *, window_s: int, recent: Mapping[DocumentKey, IndexedArticle]
    ) -> None:
        self.position = position
        #: Articles that were looked up; the index caches them.
        self.used_articles: dict[DocumentKey, IndexedArticle] = {}
        #: Articles that were deleted or changed; the index drops them from its cache.
        self.deleted_keys: set[DocumentKey] = set()
        self._store = store
        self._window_s = window_s
        self._recent = recent
        self._views: dict[str, ScopeView] = {}
        self._languages: dict[str, list[str]] = {}
        self._clusters: dict[tuple[str, str], Cluster | None] = {}
        self._names: dict[tuple[str, str | None], list[bytes]] = {}

    # Decisions

    def prefetch(self, articles: Sequence[tuple[IncomingArticle, str]]) -> None:
        """Read, in one batch, everything needed to decide (article, event id) pairs. Call it once, before `add`."""
        requests: list[_Prefetch] = []
        for article, event_id in articles:
            text_hash, anchors = article.fingerprint.text_hash, article.fingerprint.anchors.tobytes()
            cluster_id = new_cluster_id(article.scope, article.id, text_hash)
            requests.append(_Prefetch(article, article.scope, event_id, text_hash, cluster_id, anchors))
        self._prefetch(requests)

    def prefetch_changelog(
        self, events: Sequence[FingerprintEvent], bloom_filter: AnchorBloomFilter | None = None
    ) -> None:
        """Read, in one batch, everything needed to add ``events``. Call it once, before `add`.

        Args:
            events: Records of the changelog.
            bloom_filter: Holds every anchor in the store; anchors that are new to it are not read.
        """
        requests: list[_Prefetch] = []
        for event in events:
            anchors = event.anchors if event.format == FORMAT else b""
            cluster_id = event.duplicate.cluster_id
            requests.append(_Prefetch(event, event.scope, event.event_id, event.text_hash, cluster_id, anchors))
        self._prefetch(requests, bloom_filter)
        self._prefetch_first_members([event for event in events if event.earlier_offset is not None])

    def find_earlier_decision(self, scope: str, event_id: str, *, offset: int, time_ms: int) -> EarlierDecision | None:
        """Find the earlier decision on an event: within the window, or at all if the event is consumed again.

        Args:
            scope: Tenant and language.
            event_id: The event.
            offset: Offset of this delivery in the normalized topic.
            time_ms: Event time of this delivery.
        """
        view = self.scope_view(scope)
        horizon_s = 0 if offset <= self.position.last else view.horizon_s(time_ms)
        # After a crash there may be decisions behind ``offset``, which this delivery did not get the first time.
        offsets = [at for at in visible_offsets(view, keys.event_name(event_id), horizon_s) if at <= offset]
        return EarlierDecision(offsets[-1], self.get_article(scope, offsets[-1])) if offsets else None

    def find_candidates(self, article: IncomingArticle, *, time_ms: int) -> Candidates:
        """Find earlier articles of which ``article`` may be a version or a copy.

        Work is bounded: at most `POSTINGS_MAX` postings of each anchor are read, and the articles of
        `find_candidate_offsets`.

        Args:
            article: The article that is to be decided.
            time_ms: Its event time.
        """
        scope, fingerprint = article.scope, article.fingerprint
        if article.notice:
            return _NO_CANDIDATES
        view = self.scope_view(scope)
        horizon_s = view.horizon_s(time_ms)
        same_page = {at for name in self._id_and_url_names(article) for at in visible_offsets(view, name, horizon_s)}
        newest_first = (self._indexed_article(scope, offset) for offset in sorted(same_page, reverse=True))
        same_address = find_known_version(article, filter(None, newest_first))
        offsets = visible_offsets(view, keys.text_name(fingerprint.text_hash), horizon_s)
        oldest_first = (self._follow_successors(scope, offset) for offset in sorted(offsets))
        pages = [page for page in oldest_first if page and page.fingerprint.text_hash == fingerprint.text_hash]
        same_text = next((page for page in pages if not page.is_notice), None)
        if same_address or same_text:
            return Candidates(same_address=same_address, same_text=same_text, same_text_pages=pages)
        similar = self._find_similar(scope, fingerprint, horizon_s)
        return replace(similar, same_text_pages=pages) if pages else similar

    def add(self, event: FingerprintEvent) -> list[str]:
        """Record a decided event; its ``previous`` must be the index's last offset.

        Returns:
            Ids of published clusters that have left the window, or that have no more than this article now.

        An article adds no postings under anchors that lead to an article of its cluster already, so a widely reprinted
        story does not push out other postings, and the number of postings of an anchor is that of unrelated texts.
        """
        view = self.scope_view(event.scope)
        if view.is_new:
            self._register_language(event.scope)
            view.is_new = False
        if view.advance_clock(event.event_time, offset=event.offset):
            self._clusters = {key: cluster for key, cluster in self._clusters.items() if key[0] != event.scope}
        advance_mark(view.raw_marks, event.origin)
        view.put(keys.document_name(event.offset), pack_article(event))
        replaced, cluster = join_cluster(self, event)
        offsets = cluster.offsets if cluster else []
        put_postings(view, event, self._id_and_url_names(event), offsets, window_s=self._window_s)
        for offset in event.recognized_offsets:
            self._mark_notice(event.scope, offset)
        self.position.last = event.offset
        self.position.documents += 1
        expired = replaced + expire_clusters(self, event.scope)
        if expired:
            view.put(keys.expired_name(event.offset), b"".join(map(bytes.fromhex, expired)))
        return expired

    def expired_clusters(self, scope: str, offset: int) -> list[str]:
        """What `add` returned for the article at ``offset``, for as long as it may be consumed again."""
        value = self.scope_view(scope).get(keys.expired_name(offset)) or b""
        return [value[start : start + 16].hex() for start in range(0, len(value), 16)]

    def cluster_event(self, scope: str, cluster_id: str) -> ClusterEvent | None:
        """The event of a cluster, including this transaction's additions; None for a single-article cluster."""
        cluster = self.cluster(scope, cluster_id)
        return cluster.to_event(cluster_id, scope) if cluster else None

    # What a commit writes

    @property
    def oldest_s(self) -> dict[str, int]:
        """`ScopeView.oldest_s` of each scope that was used and has articles."""
        views = [(scope, view) for scope, view in self._views.items() if not scope.endswith("/*")]
        return {scope: oldest_s for scope, view in views if (oldest_s := view.oldest_s) is not None}

    @property
    def dropped_prefixes(self) -> list[bytes]:
        """The store has to delete all keys with one of these prefixes before `changes` are put."""
        return [prefix for view in self._views.values() for prefix in view.dropped_prefixes]

    def deletions(self) -> Iterator[bytes]:
        """Single keys that the store has to delete."""
        return chain.from_iterable(view.queue.deletions() for view in self._views.values())

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        """Return the keys and values to be put into the store, once."""
        encode = msgspec.msgpack.encode
        own = [(keys.POSITION, encode(self.position))]
        own += [(keys.tenant_key(tenant), encode(languages)) for tenant, languages in self._languages.items()]
        return chain(own, *(view.changes() for view in self._views.values()))

    # What takedowns need too

    def scope_view(self, scope: str) -> ScopeView:
        """The view of one scope."""
        view = self._views.get(scope)
        if view is None:
            view = self._views[scope] = ScopeView(self._store, scope, window_s=self._window_s)
        return view

    def languages(self, tenant: str) -> list[str]:
        """The languages in which ``tenant`` has articles in this partition, sorted."""
        languages = self._languages.get(tenant)
        if languages is None:
            value = self._store.get_many([keys.tenant_key(tenant)])[0]
            languages = unpack(value, list[str]) if value else []
        return languages

    def get_article(self, scope: str, offset: int) -> StoredArticle | None:
        """Return the article at ``offset``; None if a takedown deleted it.

        Raises:
            IndexDamaged: There never was one.
        """
        value = self.scope_view(scope).get(keys.document_name(offset))
        if value is None:
            raise IndexDamaged(f"the index lacks the article at {offset}")
        return unpack_article(value) if len(value) > _SUCCESSOR_BYTES else None

    def find_article(self, scope: str, offset: int) -> StoredArticle | None:
        """Return the article at ``offset``; None if it was deleted or dropped, or never restored.

        For references of other records, which may be kept for longer than the article.
        """
        return self.get_article(scope, offset) if self._has_document(scope, offset) else None

    def has_article(self, event: FingerprintEvent) -> bool:
        """Whether the index holds the article of ``event``, or held it until a takedown deleted it."""
        value = self.scope_view(event.scope).get(keys.document_name(event.offset))
        if value is None or len(value) <= _SUCCESSOR_BYTES:
            return value is not None
        article = StoredArticle.from_event(event)
        return value in (pack_article(event), repack_as_notice(article))

    def delete_article(self, scope: str, offset: int, successor: int | None) -> None:
        """Delete the article at ``offset``; postings that lead to it then lead to ``successor``, if there is one."""
        # A zero byte means none: nothing comes before offset 0, so it cannot be a successor.
        value = successor.to_bytes(_SUCCESSOR_BYTES, "big") if successor else b"\0"
        self.scope_view(scope).put(keys.document_name(offset), value)
        self.used_articles.pop((scope, offset), None)
        self.deleted_keys.add((scope, offset))

    def find_takedown(self, event: RemovalEvent) -> StoredTakedown | None:
        """Return the result of a takedown: within the window, or at all if it is consumed again."""
        view = self.scope_view(f"{event.tenant}/*")
        value = view.get(keys.takedown_name(event.event_id))
        takedown = unpack(value, StoredTakedown) if value else None
        if takedown is None or event.offset <= self.position.last:
            return takedown
        return takedown if takedown.seen_s >= view.horizon_s(event.event_time) else None

    def put_takedown(self, event: RemovalEvent, takedown: StoredTakedown) -> None:
        """Store the result of a takedown; it leaves the window as articles do."""
        view = self.scope_view(f"{event.tenant}/*")
        view.advance_clock(event.event_time, offset=event.offset)
        if event.origin:
            advance_mark(view.raw_marks, event.origin)
        takedown.seen_s = view.now_s
        view.put(keys.takedown_name(event.event_id), msgspec.msgpack.encode(takedown))
        self.position.last = event.offset

    def is_forgotten(self, scope: str, origin: Origin, *, time_ms: int) -> bool:
        """Whether an event that has no decision in the index had one, which has left the window.

        What was recorded is found until the scope's time is a window later than the event's, so an event that is not
        found and not older than the window was never decided.

        Args:
            scope: Tenant and language, or ``tenant/*`` for a takedown.
            origin: The coordinates of its raw event.
            time_ms: Its event time.
        """
        view = self.scope_view(scope)
        return max(0, time_ms) // 1000 < view.horizon_s(time_ms) and is_behind_mark(view.raw_marks, origin)

    def is_lost(self, origin: Origin) -> bool:
        """Whether an event that has no decision in the index had one that the changelog has lost."""
        return bool(self.position.lost_marks) and is_behind_mark(self.position.lost_marks, origin)

    def cluster(self, scope: str, cluster_id: str) -> Cluster | None:
        """The stored cluster; None while it has one article."""
        key = (scope, cluster_id)
        if key not in self._clusters:
            value = self.scope_view(scope).get(keys.cluster_name(cluster_id))
            self._clusters[key] = unpack(value, Cluster) if value else None
        return self._clusters[key]

    def put_cluster(self, scope: str, cluster_id: str, cluster: Cluster | None) -> None:
        """Store ``cluster``; None for one that is empty."""
        self._clusters[scope, cluster_id] = cluster
        self.scope_view(scope).put(keys.cluster_name(cluster_id), msgspec.msgpack.encode(cluster) if cluster else b"")

    # Reading ahead

    def _prefetch(self, requests: Iterable[_Prefetch], bloom_filter: AnchorBloomFilter | None = None) -> None:
        by_scope: dict[str, tuple[set[bytes], set[bytes], list[bytes]]] = {}
        for article, scope, event_id, text_hash, cluster_id, anchors in requests:
            names, clusters, packed = by_scope.setdefault(scope, (set(), set(), []))
            names.update((keys.event_name(event_id), keys.text_name(text_hash), *self._id_and_url_names(article)))
            clusters.add(keys.cluster_name(cluster_id))
            packed.append(anchors)
        for scope, (names, clusters, packed) in by_scope.items():
            # In the order of the store, where neighbours are read and written faster.
            view = self.scope_view(scope)
            view.prefetch(sorted(names))
            view.prefetch_anchors(packed, bloom_filter)
            view.prefetch(sorted(clusters))

    def _prefetch_first_members(self, linked: Iterable[FingerprintEvent]) -> None:
        """Read the articles that become the first member of a cluster when one of ``linked`` is added."""
        by_scope: dict[str, set[bytes]] = {}
        for event in linked:
            if not self.cluster(event.scope, event.duplicate.cluster_id):
                by_scope.setdefault(event.scope, set()).add(keys.document_name(event.earlier_offset or 0))
        for scope, documents in by_scope.items():
            self.scope_view(scope).prefetch(sorted(documents))

    def _id_and_url_names(self, article: IncomingArticle | FingerprintEvent) -> list[bytes]:
        """`keys.id_and_url_names`, which is needed three times for each article."""
        key = (article.id, article.url_key)
        names = self._names.get(key)
        if names is None:
            names = self._names[key] = keys.id_and_url_names(article)
        return names

    # Articles

    def _find_similar(self, scope: str, fingerprint: Fingerprint, horizon_s: int) -> Candidates:
        view = self.scope_view(scope)
        similar, quoted, common_anchors, common_postings = find_candidate_offsets(view, fingerprint, horizon_s)
        if not similar:
            return _NO_CANDIDATES
        return Candidates(
            similar_articles=self._read_articles(scope, similar),
            common_anchors=common_anchors,
            quoted_articles=self._read_articles(scope, quoted),
            find_quoting_articles=lambda: self._read_articles(scope, choose_quoting(common_postings, quoted)),
        )

    def _read_articles(self, scope: str, offsets: Sequence[int]) -> list[IndexedArticle]:
        """Read articles, or their successors, in one batch."""
        missing = [offset for offset in offsets if not self._cached_article((scope, offset))]
        self.scope_view(scope).prefetch([keys.document_name(offset) for offset in missing])
        articles = (self._follow_successors(scope, offset) for offset in offsets)
        return [article for article in articles if article and not article.is_notice]

    def _follow_successors(self, scope: str, offset: int) -> IndexedArticle | None:
        """The article at ``offset``, or if it was deleted the first of its successors that was not."""
        article = self._indexed_article(scope, offset)
        for _ in range(SUCCESSORS_MAX):
            successor = None if article else self._successor(scope, offset)
            if not successor or not self._has_document(scope, successor):
                break
            offset, article = successor, self._indexed_article(scope, successor)
        return article

    def _successor(self, scope: str, offset: int) -> int | None:
        """The offset of the successor of the deleted article at ``offset``, if it has one."""
        value = self.scope_view(scope).get(keys.document_name(offset)) or b""
        return int.from_bytes(value, "big") if value and len(value) <= _SUCCESSOR_BYTES else None

    def _has_document(self, scope: str, offset: int) -> bool:
        return self.scope_view(scope).get(keys.document_name(offset)) is not None

    def _indexed_article(self, scope: str, offset: int) -> IndexedArticle | None:
        """The decoded article at ``offset``; None if a takedown deleted it."""
        key = (scope, offset)
        article = self._cached_article(key)
        if article is None:
            stored = self.get_article(scope, offset)
            if stored is None:
                return None
            article = stored.to_indexed_article(scope, offset)
        self.used_articles[key] = article
        return article

    def _cached_article(self, key: DocumentKey) -> IndexedArticle | None:
        return self.used_articles.get(key) or (None if key in self.deleted_keys else self._recent.get(key))

    # Adding

    def _mark_notice(self, scope: str, offset: int) -> None:
        """Let no later article be linked to the one at ``offset``."""
        article = self.find_article(scope, offset)
        if article:
            self.scope_view(scope).put(keys.document_name(offset), repack_as_notice(article))
            self.used_articles.pop((scope, offset), None)
            self.deleted_keys.add((scope, offset))

    def _register_language(self, scope: str) -> None:
        tenant, _, language = scope.rpartition("/")
        self._languages[tenant] = sorted({*self.languages(tenant), language})


#: Length of the value that replaces a deleted article, the offset of its successor: shorter than any article.
_SUCCESSOR_BYTES: Final = 8
_NO_CANDIDATES: Final = Candidates()
