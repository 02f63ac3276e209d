"""Options and settings that the commands for dead letters share."""

from __future__ import annotations

import sys

import click

from stream.settings import Settings, load_settings

broker_option = click.option("--broker", help="Kafka bootstrap servers: host:port[,host:port…].")
attempts_option = click.option(
    "--max-attempts",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Do not requeue what has been requeued this many times.",
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")


def load_kafka_settings(broker: str | None) -> Settings:
    """Load the settings of a Kafka broker.

    Raises:
        UsageError: the broker is memory://, which has no dead letters of another process.
    """
    settings = load_settings(broker=broker)
    if settings.is_memory:
        raise click.UsageError("memory:// exists within one process only; use a Kafka broker")
    return settings


def is_interactive() -> bool:
    """Whether a user can be asked."""
    return sys.stdin.isatty()
