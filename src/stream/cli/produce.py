"""``stream produce``: files into the raw topic."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import click
import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from stream import system_clock
from stream.cli.input_files import STDIN, RawMessage, expand, read_messages
from stream.cli.progress import reading
from stream.core.contracts import cloudevents
from stream.core.contracts.topics import RAW_MESSAGE_BYTES
from stream.errors import BrokerError
from stream.kafka import topic_admin
from stream.settings import Settings, load_settings

SOURCE = "/stream/produce"
#: The producer buffers without a limit of its own.
UNSENT_BYTES_MAX = 32 * 1024 * 1024


@click.command(epilog="Example: stream produce articles.jsonl.gz pages/ --rate 200")
@click.argument("files", nargs=-1)
@click.option("--broker", help="host:port[,host:port…] of Kafka.")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Messages a second. Default: as fast as it goes."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def produce(files: tuple[str, ...], broker: str | None, rate: float | None, quiet: bool) -> None:
    """Send files to the raw topic, as scrapers would.

    FILES are JSONL, JSON, .txt and .html files, .gz too, folders of them, or - for standard input (the default).
    Each line, text or page becomes one message, keyed by the article's id or URL, with a CloudEvents id of its own.
    """
    settings = load_settings(broker=broker)
    if settings.is_memory:
        raise click.UsageError("memory:// lives in one process; give a Kafka broker, or use: stream demo")
    paths = expand(files or (STDIN,))
    started = time.monotonic()
    with reading(paths, quiet=quiet) as watched:
        sent = _send_all(settings, _paced(watched(read_messages(paths)), rate))
    if not quiet:
        seconds = time.monotonic() - started
        click.echo(f"{sent} messages stored in {settings.topics.raw} in {seconds:.1f} s", err=True)


def _send_all(settings: Settings, messages: Iterable[RawMessage]) -> int:
    topic = settings.topics.raw
    failures: list[BaseException] = []
    run, sent, unsent = uuid.uuid4().hex, 0, 0
    if not topic_admin.exists(settings, topic, operation="Write"):  # the producer would wait a minute for it
        raise BrokerError(f"{topic} does not exist on {settings.broker}; run: stream topics")
    producer = _connect(settings)
    try:
        for sent, message in enumerate(messages, 1):
            headers = cloudevents.headers(SOURCE, f"{run}-{sent}", "article.raw.v1", system_clock.now())
            future = producer.send(topic, value=message.value, key=message_key(message.value), headers=list(headers))
            future.add_errback(failures.append)
            unsent += len(message.value)
            if unsent > UNSENT_BYTES_MAX:
                producer.flush()
                unsent = 0
            if failures:
                break
        producer.flush()
    except KafkaError as error:
        failures.append(error)
    finally:
        producer.close()
    if failures:
        raise BrokerError(f"not everything was stored, {sent} messages were read: {failures[0]}")
    return sent


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


def message_key(value: bytes) -> bytes | None:
    """The article's id or URL, so that its versions stay in order; None where the message tells neither."""
    try:
        event: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    name = (event.get("id") or event.get("url")) if isinstance(event, dict) else None
    return name.encode() if isinstance(name, str) else None


def _paced(messages: Iterable[RawMessage], rate: float | None) -> Iterator[RawMessage]:
    if rate is None:
        yield from messages
        return
    started = time.monotonic()
    for count, message in enumerate(messages):
        time.sleep(max(0.0, started + count / rate - time.monotonic()))
        yield message
