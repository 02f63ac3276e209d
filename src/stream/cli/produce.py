"""``stream produce``: send files to the raw topic."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import click
import orjson
from kafka import KafkaProducer
from kafka.errors import InvalidTimestampError, KafkaError

from stream import system_clock
from stream.cli.input_files import STDIN, RawMessage, expand_paths, read_messages
from stream.cli.progress import show_progress
from stream.core.contracts import cloudevents
from stream.core.contracts.topics import RAW_MESSAGE_BYTES
from stream.errors import BrokerError
from stream.kafka import topic_admin
from stream.kafka.broker_clock import require_clock
from stream.settings import Settings, load_settings

SOURCE: Final = "/stream/produce"
#: kafka-python's producer has no limit of its own for what it buffers.
_BUFFERED_BYTES_MAX: Final = 32 * 1024 * 1024


@click.command(epilog="Example: stream produce articles.jsonl.gz pages/ --rate 200")
@click.argument("files", nargs=-1)
@click.option("--broker", help="Kafka bootstrap servers: host:port[,host:port…].")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Messages per second. Default: as fast as possible."
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no summary.")
def produce(files: tuple[str, ...], broker: str | None, rate: float | None, quiet: bool) -> None:
    """Send files to the raw topic, as scrapers would.

    FILES are JSONL, JSON, .txt and .html files, gzipped ones (.gz) and folders of them, or - for standard input (the
    default). Each line, text or page becomes one message, with the article's id or URL as its key and a CloudEvents id
    of its own.

    Exit codes: 0 all messages are stored; 2 wrong usage; 66 a file cannot be read; 69 the broker cannot be reached,
    refuses, or did not store all messages; 78 invalid settings.
    """
    settings = load_settings(broker=broker)
    if settings.is_memory:
        raise click.UsageError("memory:// exists in one process only; use a Kafka broker, or run: stream demo")
    input_files = expand_paths(files or (STDIN,))
    started = time.monotonic()
    with show_progress(input_files, quiet=quiet) as track:
        count = _send_all(settings, pace(track(read_messages(input_files)), rate))
    if not quiet:
        seconds = time.monotonic() - started
        click.echo(f"{count} messages stored in {settings.topics.raw} in {seconds:.1f} s", err=True)


def message_key(value: bytes) -> bytes | None:
    """The article's id or URL, so that its versions stay in order; None where the message has neither.

    >>> message_key(b'{"url": "https://news.example/1"}')
    b'https://news.example/1'
    """
    try:
        event: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    name = (event.get("id") or event.get("url")) if isinstance(event, dict) else None
    return name.encode() if isinstance(name, str) else None


def pace(
    messages: Iterable[RawMessage],
    rate: float | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[RawMessage]:
    """Pass on ``messages`` at ``rate`` per second, and catch up after a delay; None means without a pause."""
    if rate is None:
        yield from messages
        return
    started = clock()
    for count, message in enumerate(messages):
        sleep(max(0.0, started + count / rate - clock()))
        yield message


def _send_all(settings: Settings, messages: Iterable[RawMessage]) -> int:
    """Send ``messages`` and wait until they are stored; returns their number."""
    topic = settings.topics.raw
    failures: list[BaseException] = []
    run_id, count, buffered_bytes = uuid.uuid4().hex, 0, 0
    if not topic_admin.exists(settings, topic, operation="Write"):  # the producer would wait a minute for it
        raise BrokerError(f"{topic} does not exist on {settings.broker}; run: stream topics")
    with topic_admin.admin(settings) as client:
        require_clock(client, retention_ms=settings.retention_ms)
    producer = _connect(settings)
    try:
        for count, message in enumerate(messages, 1):
            headers = cloudevents.headers(SOURCE, f"{run_id}-{count}", "article.raw.v1", system_clock.now())
            future = producer.send(topic, value=message.value, key=message_key(message.value), headers=list(headers))
            future.add_errback(failures.append)
            buffered_bytes += len(message.value)
            if buffered_bytes > _BUFFERED_BYTES_MAX:
                producer.flush()
                buffered_bytes = 0
            if failures:
                break
        producer.flush()
    except KafkaError as error:
        failures.append(error)
    finally:
        producer.close()
    if failures and isinstance(failures[0], InvalidTimestampError):
        raise BrokerError(
            f"{topic} refuses the present time of this machine as a timestamp; correct the clocks of this machine "
            "and of the brokers, and send the file again"
        )
    if failures:
        raise BrokerError(f"{count} messages were sent, but not all of them are stored: {failures[0]}")
    return count


def _connect(settings: Settings) -> KafkaProducer:
    return topic_admin.connect(
        settings,
        KafkaProducer,
        acks="all",
        enable_idempotence=True,
        linger_ms=20,
        batch_size=256 * 1024,
        max_request_size=RAW_MESSAGE_BYTES,
    )
