"""The second step: fingerprint, find candidates and decide; takedowns too."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import (
    NormalizedEvent,
    RemovalEvent,
    TakedownEvent,
)
from stream.core.contracts.records import LogId, OutputRecord, Record
from stream.core.contracts.topics import Topics
from stream.core.contracts.trace_context import trace_headers
from stream.core.dedup.articles import IncomingArticle
from stream.core.dedup.fingerprint import compute_fingerprints
from stream.core.dedup.rules import decide
from stream.core.index.records import Promotion, StoredTakedown
from stream.core.index.takedown import apply_takedown, find_foreign_domain, takedown_result
from stream.core.index.transaction import EarlierDecision, Transaction
from stream.core.pipeline.dead_letter import build_dead_letter, require_content
from stream.core.pipeline.decided_events import (
    VerdictFields,
    article_info,
    find_difference,
    fingerprint_event,
    incoming_article,
)
from stream.core.pipeline.outcome import Outcome, Wrap, add_trace_headers, no_wrap
from stream.core.pipeline.output_records import OutputRecords
from stream.core.pipeline.promotion import (
    DecisionSteps,
    ReadRecords,
    RecordRequest,
    Records,
    decode_promoted,
    log_offset,
    promoted_verdict,
    run_steps,
)
from stream.core.pipeline.rejections import decision_lost, event_id_reused, not_owner, outside_window
from stream.errors import Rejected


@dataclass(frozen=True, slots=True)
class ArticleItem:
    """A record that holds an article, decoded and fingerprinted."""

    record: Record
    event: NormalizedEvent
    article: IncomingArticle


@dataclass(frozen=True, slots=True)
class TakedownItem:
    """A record that holds a takedown."""

    record: Record
    event: TakedownEvent


@dataclass(frozen=True, slots=True)
class InvalidItem:
    """A record that cannot be decoded, and why."""

    record: Record
    error: Rejected


#: A record of the normalized topic on its way through the step.
Item = ArticleItem | TakedownItem | InvalidItem


class Deduplicator:
    """Decides the records of one partition of the normalized topic, in a transaction of its index.

    Args:
        topics: Names of the topics.
        wrap: Wraps each part of the step, such as in a timer.
    """

    def __init__(self, topics: Topics, *, wrap: Wrap = no_wrap) -> None:
        self._topics = topics
        self._outputs = OutputRecords(topics)
        self._decode = wrap("decode_normalized", _decode)
        self._fingerprint = wrap("fingerprint", compute_fingerprints)
        self._prefetch = wrap("prefetch", Transaction.prefetch)
        self._find_candidates = wrap("find_candidates", Transaction.find_candidates)
        self._decide = wrap("decide", decide)
        self._add = wrap("record", Transaction.add)
        self._apply_takedown = wrap("remove", apply_takedown)
        self._encode = wrap("encode_enriched", self._outputs.article_and_cluster)

    def __call__(
        self,
        records: Sequence[Record],
        transaction: Transaction,
        *,
        now: str,
        read_records: ReadRecords = lambda _offsets: {},
    ) -> list[Outcome]:
        """Return one outcome for each record, in order; see `decide_in_slices`.

        Args:
            records: The records of the batch.
            transaction: A new transaction of the partition's index.
            now: RFC 3339, for headers.
            read_records: Reads earlier records of the partition; by default, it has none.
        """
        own = {record.offset: record for record in records}
        steps = self.decide_in_slices([records], transaction, now=now)
        return list(chain.from_iterable(run_steps(steps, lambda offsets: {**read_records(offsets), **own})))

    def decide_in_slices(
        self, slices: Iterable[Sequence[Record]], transaction: Transaction, *, now: str, log: LogId | None = None
    ) -> DecisionSteps:
        """Decide all records of a batch, and yield after each piece of work, so that the caller can do something else.

        Every slice is decoded and fingerprinted first, which yields empty lists. Then all that the decisions need is
        read at once, and the slices are decided, which yields their outcomes. A slice is released when it is decided,
        since its outcomes take as much memory.

        Args:
            slices: The records of the batch, in order; the size of a slice bounds the work between two yields.
            transaction: A new transaction of the partition's index. When this ends, it holds what is to be committed.
            now: RFC 3339, for headers.
            log: The log that the records are in; None if the source has no logs (files).

        Yields:
            The outcomes of the records that were decided since the last yield, one for each, in order; or a request for
            records, after which it has to be sent them.

        Raises:
            IndexFault: The index cannot be read, or is damaged.
        """
        transaction.position.log = str(log) if log else None
        prepared = deque[list[Item]]()
        for part in slices:
            prepared.append(self._prepare(part))
            yield []
        articles = (item for item in chain.from_iterable(prepared) if isinstance(item, ArticleItem))
        self._prefetch(transaction, [(item.article, item.event.event_id) for item in articles])
        while prepared:
            decided = [self._decide_item(item, transaction, now) for item in prepared.popleft()]
            offsets = {log_offset(transaction.position, each.offset) for one in decided for each in one.promotions}
            records = (yield RecordRequest(sorted(offsets))) if offsets else None
            yield [self._promote(outcome, transaction, records or {}, now) for outcome in decided]

    def _prepare(self, records: Sequence[Record]) -> list[Item]:
        """Decode and fingerprint ``records``."""
        events = [self._decode_or_reject(record) for record in records]
        articles = [event for event in events if isinstance(event, NormalizedEvent)]
        prints = iter(self._fingerprint([(article.text, article.title) for article in articles]))
        items: list[Item] = []
        for record, event in zip(records, events, strict=True):
            if isinstance(event, NormalizedEvent):
                items.append(ArticleItem(record, event, incoming_article(event, next(prints))))
            elif isinstance(event, TakedownEvent):
                items.append(TakedownItem(record, event))
            else:
                items.append(InvalidItem(record, event))
        return items

    def _decode_or_reject(self, record: Record) -> NormalizedEvent | TakedownEvent | Rejected:
        try:
            return self._decode(record)
        except Rejected as error:
            return error

    def _decide_item(self, item: Item, transaction: Transaction, now: str) -> Outcome:
        if isinstance(item, InvalidItem):
            return self._reject(item.record, item.error)
        if isinstance(item, ArticleItem):
            outcome = self._decide_article(item, transaction, now)
        else:
            outcome = self._decide_takedown(item, transaction, now)
        if outcome.code:  # a dead letter keeps the headers of its record
            return outcome
        return add_trace_headers(outcome, trace_headers(item.record.headers), except_topic=self._topics.fingerprints)

    def _decide_article(self, item: ArticleItem, transaction: Transaction, now: str) -> Outcome:
        event, article, offset = item.event, item.article, item.record.offset + transaction.position.base
        time_ms = event.event_time
        earlier = transaction.find_earlier_decision(article.scope, event.event_id, offset=offset, time_ms=time_ms)
        if earlier is not None:
            expired = transaction.expired_clusters(article.scope, offset) if offset == earlier.offset else []
            return self._repeat_article(item, earlier, transaction, expired, now)
        if transaction.is_forgotten(article.scope, event.origin, time_ms=time_ms):
            return self._reject(item.record, outside_window(event.origin))
        if transaction.is_lost(event.origin):
            return self._reject(item.record, decision_lost(event.origin))
        verdict = self._decide(article, self._find_candidates(transaction, article, time_ms=time_ms))
        changelog, expired = [], list[str]()
        if offset > transaction.position.last:
            fingerprint = fingerprint_event(event, article, verdict, transaction.position, offset=offset)
            expired = self._add(transaction, fingerprint)
            changelog.append(self._outputs.changelog(fingerprint, article.scope, item.record.partition, now))
        fields = VerdictFields(verdict.duplicate, verdict.revision, event.origin, verdict.notice)
        cluster = transaction.cluster_event(article.scope, verdict.duplicate.cluster_id)
        outputs = self._encode(event, fields, cluster, now)
        outputs += self._outputs.cluster_tombstones(event, expired, now) + changelog
        return Outcome(verdict.duplicate.relation, outputs, event_time_ms=time_ms, article=article_info(event, verdict))

    def _repeat_article(
        self, item: ArticleItem, earlier: EarlierDecision, transaction: Transaction, expired: Sequence[str], now: str
    ) -> Outcome:
        """Publish the earlier verdict again, and the tombstones of the clusters that had ``expired``.

        Do not write it to the changelog again: a record with an old offset would break the chain that a restore
        follows.
        """
        stored, scope, event_time_ms = earlier.article, item.article.scope, item.event.event_time
        tombstones = self._outputs.cluster_tombstones(item.event, expired, now)
        if stored is None:
            # The article is not published: after a crash the takedown is consumed again too, and later its id may be
            # that of a new article.
            return Outcome("withdrawn", tombstones, None, event_time_ms, is_repeat=True)
        difference = find_difference(stored, item.event, item.article)
        if difference:
            return self._reject(item.record, event_id_reused(stored.id, stored.to_origin(), difference))
        fields = VerdictFields(stored.to_duplicate(scope), stored.revision, stored.to_origin(), stored.notice)
        cluster = transaction.cluster_event(scope, fields.duplicate.cluster_id)
        outputs = self._encode(item.event, fields, cluster, now) + tombstones
        return Outcome(fields.duplicate.relation, outputs, event_time_ms=event_time_ms, is_repeat=True)

    def _decide_takedown(self, item: TakedownItem, transaction: Transaction, now: str) -> Outcome:
        takedown, offset = item.event, item.record.offset + transaction.position.base
        event = RemovalEvent(
            event_id=takedown.event_id,
            offset=offset,
            previous=transaction.position.last,
            log=transaction.position.log,
            base=transaction.position.base,
            tenant=takedown.tenant,
            id=takedown.id,
            url_key=takedown.url_key,
            event_time=takedown.event_time,
            origin=takedown.origin,
        )
        earlier = transaction.find_takedown(event)
        if earlier is not None:
            return self._repeat_takedown(item, event, earlier, transaction, now)
        if transaction.is_forgotten(f"{event.tenant}/*", takedown.origin, time_ms=event.event_time):
            return self._reject(item.record, outside_window(takedown.origin))
        if transaction.is_lost(takedown.origin):
            return self._reject(item.record, decision_lost(takedown.origin))
        if offset <= event.previous:  # consumed again, and its result has left the window
            return Outcome("nothing_withdrawn", [], event_time_ms=event.event_time, is_repeat=True)
        if takedown.domains is not None:
            domain = find_foreign_domain(transaction, event, takedown.domains)
            if domain is not None:
                return self._reject(item.record, not_owner("", f"the domain {domain or '(none)'}"))
        result = self._apply_takedown(transaction, event)
        outputs = self._outputs.takedown(event, result, now)
        outputs.append(self._outputs.changelog(event, f"{event.tenant}/*", item.record.partition, now))
        return Outcome(
            _takedown_outcome(result.ids), outputs, event_time_ms=event.event_time, promotions=result.promotions
        )

    def _repeat_takedown(
        self, item: TakedownItem, event: RemovalEvent, earlier: StoredTakedown, transaction: Transaction, now: str
    ) -> Outcome:
        """Publish the result of a takedown that is consumed again; one that was sent again does nothing.

        When it is consumed again after a crash, everything behind it is consumed again too. When it was sent again, an
        article may have come back that must stay.
        """
        if earlier.target != (event.id, event.url_key):
            difference = f"which withdraws {earlier.target[0]}"
            return self._reject(item.record, event_id_reused("a takedown", None, difference))
        outputs: list[OutputRecord] = []
        promotions: list[Promotion] = []
        if earlier.offset == event.offset:
            outputs = self._outputs.takedown(event, takedown_result(transaction, earlier), now)
            promotions = earlier.promotions
        return Outcome(
            _takedown_outcome(earlier.ids),
            outputs,
            event_time_ms=event.event_time,
            is_repeat=True,
            promotions=promotions,
        )

    def _promote(self, outcome: Outcome, transaction: Transaction, records: Records, now: str) -> Outcome:
        """Add the articles to ``outcome`` that are published again, each from its record in ``records``."""
        if not outcome.promotions:
            return outcome
        outputs, lost = list(outcome.outputs), []
        for promotion in outcome.promotions:
            event = decode_promoted(promotion, records.get(log_offset(transaction.position, promotion.offset)))
            if event is None:
                lost.append(promotion)
                continue
            fields = VerdictFields(promoted_verdict(promotion), promotion.revision, event.origin, notice=None)
            trace = trace_headers(outcome.outputs[0].headers)
            outputs.append(self._outputs.article(event, fields, now, trace))
        return replace(outcome, outputs=outputs, lost_promotions=lost)

    def _reject(self, record: Record, error: Rejected) -> Outcome:
        output = build_dead_letter(self._topics.rejected, record, "deduplicate", [(None, error)])
        return Outcome("rejected", [output], code=error.code)


def _decode(record: Record) -> NormalizedEvent | TakedownEvent:
    require_content(record)
    value = record.value or b""
    try:
        if cloudevents.event_type(record) == cloudevents.TAKEDOWN:
            return codec.decode(value, TakedownEvent)
        return codec.decode(value, NormalizedEvent)
    except codec.UNREADABLE as error:
        reason = f"{error}; only the normalize step may write to this topic"
        raise Rejected("invalid_normalized", reason) from None


def _takedown_outcome(ids: Sequence[str]) -> str:
    return "withdrawn" if ids else "nothing_withdrawn"
