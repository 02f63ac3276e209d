"""Sends generated articles to the raw topic at a rate that can be changed at any time."""

from __future__ import annotations

import itertools
import threading
import uuid
from types import TracebackType
from typing import Final, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from stream import system_clock
from stream.core.contracts import cloudevents
from stream.errors import BrokerError, StreamError
from stream.kafka import topic_admin
from stream.settings import Settings
from tests.support.article_generator import LiveFeed, RawMessage

_SOURCE: Final = "/scrapers/sample"
_INTERVAL_S: Final = 0.1
#: Different messages of a burst.
_BURST_MESSAGES: Final = 2000


class ArticleProducer:
    """A thread that sends ``rate`` messages a second while the context is open; 0 is a pause."""

    def __init__(self, settings: Settings, feed: LiveFeed, *, rate: float) -> None:
        self.rate = rate
        self.feed = feed
        self.sent = 0
        self._settings = settings
        self._run = uuid.uuid4().hex[:8]
        self._numbers = itertools.count(1)
        self._burst: list[RawMessage] = []
        self._failures: list[BaseException] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send_steadily, name="producer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def raise_if_failed(self) -> None:
        """Raise if a message could not be stored.

        Raises:
            BrokerError: A message could not be stored.
        """
        if self._failures:
            raise BrokerError(f"the producer failed after {self.sent} messages: {self._failures[0]!r}")

    def send_burst(self, count: int) -> None:
        """Send ``count`` more messages as fast as possible, the same articles again and again; none if it is below 1.

        The messages at the steady rate continue meanwhile.
        """
        if not self._burst:  # generated beforehand: sending alone is much faster
            self._burst = [self.feed.message() for _ in range(_BURST_MESSAGES)]
        for message in itertools.islice(itertools.cycle(self._burst), max(0, count)):
            self._send(message)
        self._producer.flush()

    def _send_steadily(self) -> None:
        try:
            self._producer = topic_admin.connect(self._settings, KafkaProducer, acks="all", linger_ms=20)
            due = 0.0
            while not self._stop.wait(_INTERVAL_S):
                due += self.rate * _INTERVAL_S
                for _ in range(int(due)):
                    self._send(self.feed.message())
                due %= 1
            self._producer.close()
        except (StreamError, KafkaError) as error:
            self._failures.append(error)

    def _send(self, message: RawMessage) -> None:
        event_id = f"{self._run}-{next(self._numbers)}"  # every delivery has its own, even of the same article
        headers = cloudevents.headers(_SOURCE, event_id, "article.raw.v1", system_clock.now())
        future = self._producer.send(
            self._settings.topics.raw, key=message.key, value=message.value, headers=list(headers)
        )
        future.add_errback(self._failures.append)
        self.sent += 1
