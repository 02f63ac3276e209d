"""The Faust app: topics, agents and pages. The only module that knows the shape of the flow.

    raw ──▶ normalize ──▶ normalized ──▶ deduplicate ──▶ enriched, duplicates, clusters, fingerprints
      └──────────┴──────────▶ rejected ◀──────┘

An agent takes one batch of one partition at a time: it makes every output, awaits that all are stored, and only
then says `RecordBatch.done`. A bad event is an output like any other, a dead letter. Whatever else is raised
ends the worker before the batch's offsets are committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import faust
from faust.types import TP
from faust.types.web import Request, Response, View
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from stream import system_clock
from stream.core.contracts.records import Record, RecordMetadata
from stream.core.contracts.topics import OUTPUT_MESSAGE_BYTES
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.kafka.group_offsets import GroupOffsets, KafkaGroupOffsets
from stream.kafka.security import load_access
from stream.observability.consumer_lag import ConsumerLag
from stream.observability.flow_log import FlowLog, batch_fields
from stream.observability.metrics import Metrics
from stream.observability.progress_watch import Check, ProgressWatch
from stream.settings import MIB, STAGES, Settings, Stage
from stream.state.partition_indexes import PartitionIndexes, topic_partitions
from stream.state.restore.loader import new_loader
from stream.transport.batch_consumer import ledger_of
from stream.transport.errors import RevokedError, TransportError
from stream.transport.kafka.credentials import faust_credentials
from stream.transport.memory.group_offsets import MemoryGroupOffsets
from stream.transport.memory.transport import Transport as MemoryTransport
from stream.transport.record_batch import RawBytesSchema, RecordBatch, chunked, consumer_of, producer_of, transport_of

log = logging.getLogger(__name__)

#: Exit code after a fault (EX_SOFTWARE): a supervisor starts the worker again.
EXIT_FAULT: Final = 70
#: Records decided between two turns of the event loop, so that health checks are answered meanwhile.
RECORDS_A_TURN: Final = 50
#: And their bytes: one record of a few kilobytes takes a tenth of a millisecond, or a second if it was made to.
BYTES_A_TURN: Final = 256 * 1024
#: What was stored and not yet committed is stored again after a crash.
_COMMIT_INTERVAL_S: Final = 0.5
_SECONDS_BETWEEN_MEASURES: Final = 1.0
_SECONDS_BETWEEN_QUESTIONS: Final = 10.0
#: A batch that the broker has not stored by then is a fault.
_DELIVERY_TIMEOUT_S: Final = 60.0


def leave(step: str, batch: RecordBatch, fault: BaseException) -> None:
    """End the process at once: whatever it still did could only commit what was not finished."""
    log.critical(
        "fault, nothing of the batch is committed", extra={"step": step, **batch_fields(batch)}, exc_info=fault
    )
    logging.shutdown()
    sys.stderr.flush()
    os._exit(EXIT_FAULT)


class ArticleFlow:
    """Both steps of the flow on one Faust app.

    ``on_fault`` is called with (step, batch, fault) where the worker has to stop; it should not return.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        steps: Sequence[Stage] = STAGES,
        metrics: Metrics | None = None,
        web: bool = True,
        on_fault: Callable[[str, RecordBatch, BaseException], None] = leave,
    ) -> None:
        self.settings = settings
        self.topics = settings.topics
        self.metrics = metrics or Metrics()
        self._steps = frozenset(steps)
        self._on_fault = on_fault
        self._normalizer = Normalizer(
            self.topics, partitions=settings.scope_partitions, limits=settings.limits, wrap=self.metrics.wrap
        )
        self._deduplicator = Deduplicator(self.topics, wrap=self.metrics.wrap)
        self._watch = ProgressWatch(settings.stall_s)
        self._flow_log = FlowLog()
        self._measured: set[TP] = set()
        self._was_assigned = False
        self._began = time.monotonic()
        self.app = _new_app(settings, web=web)
        transport_of(self.app).batch_bytes = settings.batch_mib * MIB
        loader = new_loader(settings, transport_of(self.app), metrics=self.metrics)
        self.indexes = PartitionIndexes(loader, metrics=self.metrics)
        self.group_lag = self._new_group_lag()
        if self._decides:
            self.metrics.set_when_known(self.metrics.window, settings.window_ms / 1000)
        self._add_agents()
        self._add_signals()
        if web:
            self._add_pages()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the flow in this event loop."""
        await self.app.start()
        try:
            yield
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Stop: batches that run are finished or not committed, then the indexes are closed."""
        await self.app.stop()
        await self.group_lag.close()
        await self.indexes.close()

    # The two steps

    async def _normalize(self, batch: RecordBatch) -> None:
        now = system_clock.now()
        outcomes: list[Outcome] = []
        for records in _turns(batch):
            for record in records:
                outcomes += self._normalizer(record, now=now)
            await asyncio.sleep(0)
        await self._produce_all("normalize", batch, outcomes)
        batch.done()

    async def _deduplicate(self, batch: RecordBatch) -> None:
        now = system_clock.now()
        consumer = ledger_of(self.app)
        async with self.indexes.acquire(batch.tp.partition, cancel_on=consumer.suspend_flow) as index:
            if index is None:  # revoked: whoever has the partition now gets the batch, so it is not done
                return
            transaction = index.begin_transaction()
            outcomes: list[Outcome] = []
            for decided in self._deduplicator.decide_in_slices(_turns(batch), transaction, now=now):
                outcomes += decided
                await asyncio.sleep(0)
            delivered = await self._produce_all("deduplicate", batch, outcomes)
            stored = [metadata.offset for metadata in delivered if metadata.topic == self.topics.fingerprints]
            await self.indexes.commit_batch(batch.tp.partition, index, transaction, stored)
        batch.done()

    async def _produce_all(self, step: Stage, batch: RecordBatch, outcomes: Sequence[Outcome]) -> list[RecordMetadata]:
        outputs = [output for outcome in outcomes for output in outcome.outputs]
        confirm = partial(ledger_of(self.app).confirm, batch)
        with self.metrics.delivery_seconds.labels(step).time():
            delivered = await producer_of(self.app).produce_all(outputs, confirm=confirm)
        self.metrics.count(step, outcomes, now_ms=system_clock.now_ms())
        self._flow_log.log_dead_letters(step, outcomes)
        return delivered

    async def _work(self, step: Stage, handle: Callable[[RecordBatch], Awaitable[None]], batches: Any) -> None:
        async for batch in batches:
            self.metrics.consumed.labels(step).inc(len(batch))
            self.metrics.batch_records.labels(step).observe(len(batch))
            try:
                with self.metrics.batch_seconds.labels(step).time():
                    await handle(batch)
            except asyncio.CancelledError:
                raise
            except RevokedError as gone:  # whoever has the partition now gets the batch, so it is not done
                log.warning("lost the lease", extra={"step": step, **batch_fields(batch), "reason": gone})
            except BaseException as fault:  # whatever it is: nothing of the batch may be committed
                self._on_fault(step, batch, fault)
                raise

    # What Faust calls

    def _add_agents(self) -> None:
        app, topics = self.app, self.topics
        if "normalize" in self._steps:

            @app.agent(app.topic(topics.raw, schema=RawBytesSchema()), name="normalize")
            async def normalize(batches: Any) -> None:
                await self._work("normalize", self._normalize, batches)

        if "deduplicate" in self._steps:

            @app.agent(app.topic(topics.normalized, schema=RawBytesSchema()), name="deduplicate")
            async def deduplicate(batches: Any) -> None:
                await self._work("deduplicate", self._deduplicate, batches)

    def _add_signals(self) -> None:
        app = self.app

        @app.on_partitions_assigned.connect(weak=False)
        async def assigned(_app: Any, partitions: Iterable[TP], **_: Any) -> None:
            self._was_assigned = True
            partitions = list(partitions)
            self._flow_log.log_assigned(partitions)
            self.indexes.assign(topic_partitions(partitions, self.topics.normalized))

        @app.on_partitions_revoked.connect(weak=False)
        async def revoked(_app: Any, partitions: Iterable[TP], **_: Any) -> None:
            partitions = list(partitions)
            self._flow_log.log_revoked(partitions)
            await self.indexes.revoke(topic_partitions(partitions, self.topics.normalized))

        @app.timer(_SECONDS_BETWEEN_MEASURES)  # type: ignore[untyped-decorator] # Faust's is
        async def measure() -> None:
            self.measure()

        @app.timer(_SECONDS_BETWEEN_QUESTIONS)  # type: ignore[untyped-decorator] # the same
        async def ask_ends() -> None:
            await self.ask_ends()

        @app.task  # type: ignore[untyped-decorator] # the same
        async def watch_group() -> None:
            await self.group_lag.run()

        if self._decides and not self.settings.is_memory:

            @app.timer(_SECONDS_BETWEEN_QUESTIONS)  # type: ignore[untyped-decorator] # the same
            async def measure_disk() -> None:
                await self.measure_disk()

    async def measure_disk(self) -> None:
        """Bring the space on the index's disk up to date; beside the loop, for a file system may hang."""
        with contextlib.suppress(OSError):  # the folder is not made yet
            usage = await asyncio.to_thread(shutil.disk_usage, self.settings.data_dir)
            self.metrics.set_when_known(self.metrics.disk_free, usage.free)
            self.metrics.set_when_known(self.metrics.disk_total, usage.total)

    async def ask_ends(self) -> None:
        """Learn from the broker how far the input topics go; fetching may have stopped without a word."""
        try:
            async with asyncio.timeout(_SECONDS_BETWEEN_QUESTIONS):
                await consumer_of(self.app).ask_ends()
        except (TimeoutError, TransportError) as error:
            log.warning("broker does not tell where the input ends", extra={"reason": error})

    def measure(self) -> None:
        """Bring progress, readiness and the figures of the indexes up to date."""
        progress = consumer_of(self.app).progress()
        restoring = {TP(self.topics.normalized, number): at for number, at in self.indexes.restoring.items()}
        for tp in self._watch.observe(progress, time.monotonic(), restoring=restoring):
            self.metrics.progress_time.labels(tp.topic, str(tp.partition)).set_to_current_time()
        for gone in self._measured - progress.keys():
            self.metrics.forget_partition(gone.topic, gone.partition)
        self._measured = set(progress)
        self.metrics.ready.set(self.ready().is_good)
        self._flow_log.log_changes(self.healthy(), self.ready())
        self.indexes.measure()

    # What operators ask

    def healthy(self) -> Check:
        """The group has given this worker its share, and every partition with a lag moves."""
        now = time.monotonic()
        check = self._watch.check(now)
        if not self._was_assigned and now - self._began > self.settings.stall_s:
            return Check(
                is_good=False, details={**check.details, "waiting_for_group_seconds": round(now - self._began)}
            )
        return check

    def ready(self) -> Check:
        """Partitions were assigned, and their indexes are restored."""
        is_ready = self._was_assigned and self.indexes.are_restored
        return Check(is_ready, {"assigned": self._was_assigned, "restored": self.indexes.are_restored})

    def _add_pages(self) -> None:
        app = self.app

        @app.page("/metrics")
        async def metrics(self_: View, _request: Request) -> Response:
            text = generate_latest(self.metrics.registry)
            return self_.bytes(text, content_type=None, headers={"Content-Type": CONTENT_TYPE_LATEST})

        @app.page("/healthz")
        async def healthz(self_: View, _request: Request) -> Response:
            return _answer(self_, self.healthy())

        @app.page("/readyz")
        async def readyz(self_: View, _request: Request) -> Response:
            return _answer(self_, self.ready())

    @property
    def _decides(self) -> bool:
        return "deduplicate" in self._steps

    def _new_group_lag(self) -> ConsumerLag:
        inputs: dict[Stage, str] = {"normalize": self.topics.raw, "deduplicate": self.topics.normalized}
        transport = self.app.transport
        offsets: GroupOffsets
        if isinstance(transport, MemoryTransport):
            offsets = MemoryGroupOffsets(transport.broker, self.settings.group)
        else:
            offsets = KafkaGroupOffsets(self.settings)
        return ConsumerLag(
            offsets,
            [topic for step, topic in inputs.items() if step in self._steps],
            metrics=self.metrics,
            changelog=self.topics.fingerprints if self._decides else None,
            interval_s=_SECONDS_BETWEEN_MEASURES if self.settings.is_memory else _SECONDS_BETWEEN_QUESTIONS,
        )


def _turns(batch: RecordBatch) -> Iterator[Sequence[Record]]:
    return chunked(batch, records_max=RECORDS_A_TURN, bytes_max=BYTES_A_TURN)


def _answer(view: View, check: Check) -> Response:
    return view.json({"ok": check.is_good, **check.details}, status=200 if check.is_good else 503)


def _new_app(settings: Settings, *, web: bool) -> faust.App:
    broker, credentials = settings.broker, None
    if not settings.is_memory:
        broker = ";".join(f"kafka+batch://{server}" for server in settings.servers)
        credentials = faust_credentials(load_access(settings))
    session_s = settings.session_timeout_s
    return faust.App(
        settings.group,
        broker=broker,
        broker_credentials=credentials,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 10,
        broker_rebalance_timeout=2 * session_s,
        broker_request_timeout=max(40.0, 2 * session_s + 5),
        broker_commit_interval=_COMMIT_INTERVAL_S,
        broker_max_poll_records=settings.batch_records,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_request_timeout=_DELIVERY_TIMEOUT_S,
        producer_max_request_size=OUTPUT_MESSAGE_BYTES + MIB,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=True,
        store="memory://",
        datadir=Path(os.devnull).parent,
        web_enabled=web,
        web_bind=settings.web_host,
        web_host=settings.web_host,
        web_port=settings.web_port,
    )
