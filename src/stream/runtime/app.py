"""The Faust app: topics, agents and timers. The only module that knows the shape of the flow.

    raw ──▶ normalize ──▶ normalized ──▶ deduplicate ──▶ enriched, duplicates, clusters, fingerprints
      └──────────┴──────────▶ rejected ◀──────┘

An agent handles one batch of one partition at a time: it makes all outputs, waits until they are stored, and only then
calls `RecordBatch.done`. A bad event is an output like any other: a dead letter. Any other exception ends the worker
before the batch's offsets are committed.
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

from stream import system_clock
from stream.core.contracts.records import Record, RecordMetadata
from stream.core.contracts.topics import OUTPUT_MESSAGE_BYTES
from stream.core.index.partition_index import PartitionIndex
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.core.pipeline.promotion import DecisionSteps, RecordRequest, Records
from stream.errors import LogWentBack
from stream.kafka.group_offsets import GroupOffsets, KafkaGroupOffsets
from stream.kafka.security import load_access
from stream.observability.consumer_lag import ConsumerLag
from stream.observability.flow_log import FlowLog, batch_fields
from stream.observability.metrics import Metrics
from stream.observability.progress_watch import HealthCheck, ProgressWatch
from stream.settings import MIB, STAGES, Settings, Stage
from stream.state.partition_indexes import PartitionIndexes, StoredEvent, topic_partitions
from stream.state.restore.loader import IndexLoader, new_loader
from stream.transport.batch_consumer import tracking_consumer_of
from stream.transport.commit_metadata import CommitMetadata, CommitNote
from stream.transport.errors import RevokedError, TransportError
from stream.transport.kafka.credentials import faust_credentials
from stream.transport.memory.group_offsets import MemoryGroupOffsets
from stream.transport.memory.transport import Transport as MemoryTransport
from stream.transport.record_batch import RawBytesSchema, RecordBatch, chunked, consumer_of, producer_of, transport_of

log = logging.getLogger(__name__)

#: Exit code after a fault (EX_SOFTWARE): a supervisor starts the worker again.
EXIT_FAULT: Final = 70
#: Exit code after `LogWentBack` (EX_DATAERR): starting again does not help, an operator has to decide.
EXIT_LOG_WENT_BACK: Final = 65
#: Records handled between two yields to the event loop, so that health checks are answered meanwhile.
RECORDS_PER_SLICE: Final = 50
#: Bytes likewise: a record of a few kilobytes takes a tenth of a millisecond, a malicious one of megabytes a second.
BYTES_PER_SLICE: Final = 256 * 1024
#: What was stored but not yet committed is stored again after a crash.
_COMMIT_INTERVAL_S: Final = 0.5
_MEASURE_INTERVAL_S: Final = 1.0
_BROKER_QUERY_INTERVAL_S: Final = 10.0
#: A worker that joins while a broker starts may see no partitions of its topics, and is then assigned none until it
#: asks for the metadata again, by default after five minutes.
_METADATA_MAX_AGE_MS: Final = 30_000
#: A batch that the broker has not stored by then is a fault.
_DELIVERY_TIMEOUT_S: Final = 60.0

FaultHandler = Callable[[str, RecordBatch, BaseException], None]


def exit_at_once(code: int) -> None:
    """End the process without any cleaning up, apart from the log."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


def abort_on_fault(
    step: str, batch: RecordBatch, fault: BaseException, *, exit_process: Callable[[int], None] = exit_at_once
) -> None:
    """Log ``fault`` and end the process at once: anything it still did could commit what was not finished."""
    log.critical(
        "fault; nothing of the batch is committed", extra={"step": step, **batch_fields(batch)}, exc_info=fault
    )
    exit_process(exit_code(fault))


def exit_code(fault: BaseException | None) -> int:
    """The exit code of a worker that stops because of ``fault``."""
    return EXIT_LOG_WENT_BACK if isinstance(fault, LogWentBack) else EXIT_FAULT


class ArticleFlow:
    """Both steps of the flow on one Faust app; a `WorkerStatus`.

    Args:
        settings: The settings of the worker.
        steps: The steps that this worker runs.
        metrics: Where to count; None for metrics of its own.
        on_fault: Called with step, batch and fault when the worker has to stop; it should not return.
        normalizer: The first step; None for the one that the settings describe.
        deduplicator: The second step; likewise.
        loader: Makes what opens and restores the indexes.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        steps: Sequence[Stage] = STAGES,
        metrics: Metrics | None = None,
        on_fault: FaultHandler = abort_on_fault,
        normalizer: Normalizer | None = None,
        deduplicator: Deduplicator | None = None,
        loader: Callable[..., IndexLoader] = new_loader,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.topics = settings.topics
        self.metrics = metrics or Metrics()
        self._steps = frozenset(steps)
        self._on_fault = on_fault
        self._normalizer = normalizer or Normalizer(
            self.topics,
            partitions=settings.scope_partitions,
            limits=settings.limits,
            wrap=self.metrics.wrap,
            takedown_owners=settings.owners,
        )
        self._deduplicator = deduplicator or Deduplicator(self.topics, wrap=self.metrics.wrap)
        self._clock = clock
        self._watch = ProgressWatch(settings.stall_s)
        self._flow_log = FlowLog()
        self._measured: set[TP] = set()
        self._was_assigned = False
        self._started_at = clock()
        self.app = _new_app(settings)
        transport_of(self.app).batch_bytes = settings.batch_mib * MIB
        self.indexes = PartitionIndexes(
            loader(settings, transport_of(self.app), committed=self._committed_metadata, metrics=self.metrics),
            metrics=self.metrics,
            on_ready=self._note_index,
        )
        self.consumer_lag = self._new_consumer_lag()
        if self._deduplicates:
            self.metrics.set_when_known(self.metrics.window, settings.window_ms / 1000)
        self._add_agents()
        self._add_signals()
        self._add_timers()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the flow in this event loop as long as the context lasts."""
        await self.app.start()
        try:
            yield
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Stop: running batches are finished or left uncommitted, then the indexes are closed."""
        await self.app.stop()
        await self.consumer_lag.close()
        await self.indexes.close()

    # The two steps.

    async def _normalize(self, batch: RecordBatch) -> None:
        now = system_clock.now()
        log_id = batch.log if batch.log.topic_id else None  # of brokers before Kafka 2.8, nothing is known
        outcomes: list[Outcome] = []
        for records in _slices(batch):
            for record in records:
                outcomes += self._normalizer(record, now=now, log=log_id)
            await asyncio.sleep(0)
        await self._produce_all("normalize", batch, outcomes)
        batch.done()

    async def _deduplicate(self, batch: RecordBatch) -> None:
        now = system_clock.now()
        consumer = tracking_consumer_of(self.app)
        async with self.indexes.acquire(batch.tp.partition, cancel_on=consumer.suspend_flow) as index:
            if index is None:  # revoked: whoever has the partition now gets the batch, so it is not done
                return
            transaction = index.begin_transaction()
            steps = self._deduplicator.decide_in_slices(_slices(batch), transaction, now=now, log=batch.log)
            outcomes = await self._run_steps(batch, steps)
            delivered = await self._produce_all("deduplicate", batch, outcomes)
            # Whoever has the partition now may have written to the changelog since.
            if not await consumer.holds_lease(batch):
                raise RevokedError(f"{batch.tp.topic}-{batch.tp.partition}: stored, but not noted in the index")
            stored = self._stored_events(outcomes, delivered)
            await self.indexes.commit_batch(batch.tp.partition, index, transaction, stored)
        batch.done()

    async def _run_steps(self, batch: RecordBatch, steps: DecisionSteps) -> list[Outcome]:
        """Run the decisions on ``batch``, and read the earlier records of its partition that they ask for."""
        outcomes: list[Outcome] = []
        records: Records | None = None
        with contextlib.suppress(StopIteration):
            while True:
                step = steps.send(records)
                records = None
                if isinstance(step, RecordRequest):
                    records = await transport_of(self.app).read_records(batch.tp, step.offsets)
                else:
                    outcomes += step
                    await asyncio.sleep(0)
        self._flow_log.log_lost_promotions(batch.tp, outcomes)
        return outcomes

    def _stored_events(self, outcomes: Sequence[Outcome], delivered: Sequence[RecordMetadata]) -> list[StoredEvent]:
        """Where the changelog records among the outputs of ``outcomes`` were stored."""
        outputs = (output for outcome in outcomes for output in outcome.outputs)
        return [
            StoredEvent(metadata.offset, dict(output.headers)["ce_id"].decode())
            for output, metadata in zip(outputs, delivered, strict=True)
            if output.topic == self.topics.fingerprints
        ]

    async def _committed_metadata(self, partition: int) -> CommitMetadata | None:
        return await tracking_consumer_of(self.app).committed_metadata(TP(self.topics.normalized, partition))

    def _note_index(self, partition: int, index: PartitionIndex) -> None:
        """Have the offsets committed together with how far the changelog was written, and that topic watched."""
        position, consumer = index.position, tracking_consumer_of(self.app)
        consumer.commit_notes[TP(self.topics.normalized, partition)] = CommitNote(position.mark, position.base)
        if position.changelog_id:
            consumer.watched_topics[self.topics.fingerprints] = position.changelog_id

    async def _produce_all(self, step: Stage, batch: RecordBatch, outcomes: Sequence[Outcome]) -> list[RecordMetadata]:
        outputs = [output for outcome in outcomes for output in outcome.outputs]
        fence_check = partial(tracking_consumer_of(self.app).holds_lease, batch)
        with self.metrics.delivery_seconds.labels(step).time():
            delivered = await producer_of(self.app).produce_all(outputs, fence_check=fence_check)
        self.metrics.count(step, outcomes, now_ms=system_clock.now_ms())
        self._flow_log.log_dead_letters(step, outcomes)
        return delivered

    async def _handle_batches(
        self, step: Stage, handle: Callable[[RecordBatch], Awaitable[None]], batches: Any
    ) -> None:
        async for batch in batches:
            self.metrics.consumed.labels(step).inc(len(batch))
            self.metrics.batch_records.labels(step).observe(len(batch))
            try:
                with self.metrics.batch_seconds.labels(step).time():
                    await handle(batch)
            except asyncio.CancelledError:
                raise
            except RevokedError as error:  # the partition's new owner gets the batch, so it is not done here
                log.warning("lost the lease", extra={"step": step, **batch_fields(batch), "reason": error})
            except BaseException as fault:  # of any kind: nothing of the batch may be committed
                self.indexes.flush()
                self._on_fault(step, batch, fault)
                raise

    # What Faust calls.

    def _add_agents(self) -> None:
        app, topics = self.app, self.topics
        if "normalize" in self._steps:

            @app.agent(app.topic(topics.raw, schema=RawBytesSchema()), name="normalize")
            async def normalize(batches: Any) -> None:
                await self._handle_batches("normalize", self._normalize, batches)

        if "deduplicate" in self._steps:

            @app.agent(app.topic(topics.normalized, schema=RawBytesSchema()), name="deduplicate")
            async def deduplicate(batches: Any) -> None:
                await self._handle_batches("deduplicate", self._deduplicate, batches)

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

    def _add_timers(self) -> None:
        app = self.app

        @app.timer(_MEASURE_INTERVAL_S)  # type: ignore[untyped-decorator] # Faust's is
        async def measure() -> None:
            self.measure()

        @app.timer(_BROKER_QUERY_INTERVAL_S)  # type: ignore[untyped-decorator] # the same
        async def fetch_end_offsets() -> None:
            await self.fetch_end_offsets()

        @app.task  # type: ignore[untyped-decorator] # the same
        async def measure_consumer_lag() -> None:
            await self.consumer_lag.run()

        if self._deduplicates and not self.settings.is_memory:

            @app.timer(_BROKER_QUERY_INTERVAL_S)  # type: ignore[untyped-decorator] # the same
            async def measure_disk() -> None:
                await self.measure_disk()

    async def measure_disk(self) -> None:
        """Measure the space on the index's disk; in a thread, because a file system may hang."""
        with contextlib.suppress(OSError):  # the folder does not exist yet
            usage = await asyncio.to_thread(shutil.disk_usage, self.settings.data_dir)
            self.metrics.set_when_known(self.metrics.disk_free, usage.free)
            self.metrics.set_when_known(self.metrics.disk_total, usage.total)

    async def fetch_end_offsets(self) -> None:
        """Ask the broker for the ends of the input topics; fetching, which also learns them, may have stopped."""
        try:
            async with asyncio.timeout(_BROKER_QUERY_INTERVAL_S):
                await consumer_of(self.app).fetch_end_offsets()
        except (TimeoutError, TransportError) as error:
            log.warning("cannot fetch end offsets; keeping the last values", extra={"reason": error})

    def measure(self) -> None:
        """Update progress, readiness and the metrics of the indexes."""
        progress = consumer_of(self.app).progress()
        restoring = {TP(self.topics.normalized, number): offset for number, offset in self.indexes.restoring.items()}
        for tp in self._watch.observe(progress, self._clock(), restoring=restoring):
            self.metrics.progress_time.labels(tp.topic, str(tp.partition)).set_to_current_time()
        for tp in self._measured - progress.keys():
            self.metrics.forget_partition(tp.topic, tp.partition)
        self._measured = set(progress)
        self.metrics.ready.set(self.ready().is_good)
        self._flow_log.log_changes(self.healthy(), self.ready())
        self.indexes.measure()

    def healthy(self) -> HealthCheck:
        """Whether the group has assigned partitions to this worker, and every partition with a lag makes progress."""
        now = self._clock()
        check = self._watch.check(now)
        if not self._was_assigned and now - self._started_at > self.settings.stall_s:
            return HealthCheck(
                is_good=False, details={**check.details, "waiting_for_group_seconds": round(now - self._started_at)}
            )
        return check

    def ready(self) -> HealthCheck:
        """Whether partitions were assigned and their indexes are restored."""
        is_ready = self._was_assigned and self.indexes.are_restored
        return HealthCheck(is_ready, {"assigned": self._was_assigned, "restored": self.indexes.are_restored})

    @property
    def _deduplicates(self) -> bool:
        return "deduplicate" in self._steps

    def _new_consumer_lag(self) -> ConsumerLag:
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
            changelog=self.topics.fingerprints if self._deduplicates else None,
            interval_s=_MEASURE_INTERVAL_S if self.settings.is_memory else _BROKER_QUERY_INTERVAL_S,
        )


def _slices(batch: RecordBatch) -> Iterator[Sequence[Record]]:
    return chunked(batch, records_max=RECORDS_PER_SLICE, bytes_max=BYTES_PER_SLICE)


def _new_app(settings: Settings) -> faust.App:
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
        consumer_auto_offset_reset="none",  # the consumer chooses where it starts, and whether it may go on
        consumer_metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        producer_acks=-1,
        producer_request_timeout=_DELIVERY_TIMEOUT_S,
        producer_max_request_size=OUTPUT_MESSAGE_BYTES + MIB,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=True,
        store="memory://",
        datadir=Path(os.devnull).parent,
        web_enabled=False,  # `http_server` serves the pages
    )
