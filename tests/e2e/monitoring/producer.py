"""Sends a newsroom's messages to the raw topic at a rate that can be changed on the way."""

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
from stream.errors import StreamError
from stream.kafka import topic_admin
from stream.settings import Settings
from tests.support.article_generator import Message, Newsroom
from tests.support.processes_of_stack import ObserveError

_SOURCE: Final = "/scrapers/observe"
_SLICE_S: Final = 0.1
#: Articles that are sent again.
_CRAWLED: Final = 2000


class Producer:
    """A thread that sends ``rate`` messages a second while it is entered; 0 is a pause."""

    def __init__(self, settings: Settings, newsroom: Newsroom, *, rate: float) -> None:
        self.rate = rate
        self.newsroom = newsroom
        self.sent = 0
        self._settings = settings
        self._run = uuid.uuid4().hex[:8]
        self._numbers = itertools.count(1)
        self._crawled: list[Message] = []
        self._failures: list[BaseException] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._send_all, name="producer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def raise_if_failed(self) -> None:
        """Raise unless all was stored.

        Raises:
            ObserveError: something was not.
        """
        if self._failures:
            raise ObserveError(f"the producer failed after {self.sent} messages: {self._failures[0]!r}")

    def send_again(self, count: int) -> None:
        """Send ``count`` messages more as fast as it goes, the same articles over and over; none if it is below 1.

        Those at the steady rate go on beside them.
        """
        if not self._crawled:  # made before, for sending alone is much faster
            self._crawled = [self.newsroom.message() for _ in range(_CRAWLED)]
        for message in itertools.islice(itertools.cycle(self._crawled), max(0, count)):
            self._send(message)
        self._producer.flush()

    def _send_all(self) -> None:
        try:
            self._producer = topic_admin.connect(self._settings, KafkaProducer, acks="all", linger_ms=20)
            due = 0.0
            while not self._is_over.wait(_SLICE_S):
                due += self.rate * _SLICE_S
                for _ in range(int(due)):
                    self._send(self.newsroom.message())
                due %= 1
            self._producer.close()
        except (StreamError, KafkaError) as error:
            self._failures.append(error)

    def _send(self, message: Message) -> None:
        name = f"{self._run}-{next(self._numbers)}"  # a delivery of its own, even of the same article
        headers = cloudevents.headers(_SOURCE, name, "article.raw.v1", system_clock.now())
        future = self._producer.send(
            self._settings.topics.raw, key=message.key, value=message.value, headers=list(headers)
        )
        future.add_errback(self._failures.append)
        self.sent += 1
