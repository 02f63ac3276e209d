"""Sends the articles of a run in bursts, up to gates that the nemesis opens."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, Self

from kafka import KafkaProducer

from tests.support.article_generator import RawMessage

#: The broker may be down for a while; a message that is not stored by then fails the run.
_DELIVERY_MS: Final = 240_000
_BURST_MAX: Final = 60
_HURRY: Final = 5


class Feed:
    """A thread that sends ``messages`` at about ``rate`` a second; a context manager."""

    def __init__(self, broker: str, topic: str, messages: Sequence[RawMessage], *, rate: float, seed: int) -> None:
        self.failures: list[BaseException] = []
        self._messages = messages
        self._topic = topic
        self._rate = rate
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._sent = 0
        self._stored = 0
        self._gate = 0.0
        self._is_hurried = False
        self._is_over = threading.Event()
        self._sending = threading.Lock()
        self._broker = broker
        self._producer = self._new_producer()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(10)
        self._producer.close(timeout=5)

    @property
    def progress(self) -> float:
        """The share of the messages that were sent, 0 to 1."""
        return self._sent / len(self._messages)

    @property
    def is_stored(self) -> bool:
        """Whether all messages are in the topic."""
        return self._stored == len(self._messages)

    def open(self, gate: float, *, hurry: bool = False) -> None:
        """Send messages up to the share ``gate`` of them; faster with ``hurry``."""
        self._gate, self._is_hurried = gate, hurry

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Send nothing in this context, at whose beginning all that was sent is stored, or has failed.

        Afterwards another producer sends, for the log may have lost what the broker knows about this one.
        """
        with self._sending:
            self._producer.flush()
            try:
                yield
            finally:
                self._producer.close(timeout=5)
                self._producer = self._new_producer()

    def _new_producer(self) -> Any:
        return KafkaProducer(
            bootstrap_servers=self._broker,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            delivery_timeout_ms=_DELIVERY_MS,
            max_block_ms=_DELIVERY_MS,
        )

    def _run(self) -> None:
        waits = 0
        for number, message in enumerate(self._messages):
            while number > self._gate * len(self._messages) and not self._is_over.is_set():
                time.sleep(0.02)
            if self._is_over.is_set():
                return
            with self._sending:
                self._send(message)
            self._sent = number + 1
            waits -= 1
            if waits <= 0:
                waits = self._chance.randint(1, _BURST_MAX)
                self._is_over.wait(waits / (self._rate * (_HURRY if self._is_hurried else 1)))
        self._producer.flush()

    def _send(self, message: RawMessage) -> None:
        future = self._producer.send(
            self._topic,
            value=message.value,
            key=message.key,
            headers=message.headers,
            timestamp_ms=message.timestamp,
        )
        future.add_callback(self._count)
        future.add_errback(self.failures.append)

    def _count(self, _: object) -> None:
        self._stored += 1
