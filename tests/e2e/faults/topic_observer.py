"""Watches what is stored and committed in the topics of a run."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final, Self

from kafka.errors import KafkaError

from tests.e2e.faults.checker import Sample
from tests.e2e.faults.run_topics import RunTopics, partitions_of

_SECONDS_BETWEEN_SAMPLES: Final = 0.1
_SECONDS_BETWEEN_ATTEMPTS: Final = 0.5


class Observer:
    """Samples committed offsets and log ends continuously, in a thread of its own; a context manager.

    Attributes:
        samples: All samples.
        lag: Records still to be processed in the last sample; None before the first, and while nothing is sampled.
    """

    def __init__(self, run_topics: RunTopics) -> None:
        self.samples: list[Sample] = []
        self.lag: int | None = None
        self._run_topics = run_topics
        self._is_over = threading.Event()
        self._sampling = threading.Lock()
        self._pauses = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Take no samples in this context: the logs change, and what is committed belongs to earlier ones."""
        with self._sampling:
            self._pauses += 1
            self.lag = None
            yield

    @property
    def looks(self) -> int:
        """How many samples it has taken."""
        return len(self.samples)

    def _watch(self) -> None:
        while not self._is_over.is_set():
            # Without a broker the clients fail; new ones are made for the next attempt.
            with contextlib.suppress(KafkaError, OSError, KeyError, ValueError):
                self._take_samples()
            self._is_over.wait(_SECONDS_BETWEEN_ATTEMPTS)

    def _take_samples(self) -> None:
        run_topics, group, pauses = self._run_topics, self._run_topics.settings.group, self._pauses
        with contextlib.closing(run_topics.open_consumer()) as reader, run_topics.open_admin() as admin:
            every = [tp for spec in run_topics.settings.topic_specs for tp in partitions_of(reader, spec)]
            inputs = [tp for tp in every if tp.topic in (run_topics.topics.raw, run_topics.topics.normalized)]
            while not self._is_over.is_set():
                with self._sampling:
                    if pauses != self._pauses:  # the topics may be others
                        return
                    # The commits first: their outputs were stored before, and so before the ends are asked for.
                    offsets = admin.list_group_offsets({group: inputs})[group]
                    ends = {(tp.topic, tp.partition): end for tp, end in reader.end_offsets(every).items()}
                    committed = {
                        (tp.topic, tp.partition): each.offset for tp, each in offsets.items() if each.offset >= 0
                    }
                    history = run_topics.history
                    self.samples.append(Sample(history.tag(committed), {**history.ends, **history.tag(ends)}))
                    self.lag = sum(
                        ends[tp.topic, tp.partition] - committed.get((tp.topic, tp.partition), 0) for tp in inputs
                    )
                time.sleep(_SECONDS_BETWEEN_SAMPLES)
