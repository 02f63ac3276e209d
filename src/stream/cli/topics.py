"""``stream topics``: the topics as the flow needs them."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from stream.kafka import topic_admin
from stream.kafka.topic_admin import TopicStatus
from stream.settings import load_settings


@click.command(epilog="Example: stream topics --broker kafka:9092 --replication 3")
@click.option("--broker", help="host:port[,host:port…] of Kafka.")
@click.option("--replication", type=int, help="Copies of each new topic; -1 is the broker's default.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if something is missing or differs.")
@click.option("--update", is_flag=True, help="Also set what differs on topics that are there.")
def topics(broker: str | None, replication: int | None, check: bool, update: bool) -> None:
    """Create the topics that are missing, and show how each one is.

    Topics that are there are left alone unless --update is given; partitions are never changed.
    """
    settings = load_settings(broker=broker, replication=replication)
    if settings.is_memory:
        raise click.UsageError("memory:// makes its topics itself; give a Kafka broker")
    statuses = topic_admin.inspect(settings, settings.topic_specs)
    before = {status.spec.name: status for status in statuses}
    missing = [status.spec for status in statuses if not status.partitions and not status.is_hidden]
    if not check:
        if missing:
            topic_admin.create(settings, missing, replication=settings.replication)
        if update:
            topic_admin.update(settings, statuses)
        statuses = topic_admin.inspect(settings, settings.topic_specs)
    _show(statuses, before)
    if any(status.problem or (check and status.differs) for status in statuses):
        sys.exit(1)


def _show(statuses: list[TopicStatus], before: dict[str, TopicStatus]) -> None:
    table = Table("topic", "partitions", "clean-up", "state")
    for status in statuses:
        table.add_row(status.spec.name, str(status.partitions or "-"), _cleanup(status), _state(status, before))
    Console().print(table)


def _cleanup(status: TopicStatus) -> str:
    config = status.spec.config
    if "retention.ms" in config:
        return f"delete after {int(config['retention.ms']) / 86_400_000:g} days"
    return config["cleanup.policy"]


def _state(status: TopicStatus, before: dict[str, TopicStatus]) -> str:
    if status.problem:
        return f"[red]{status.problem}[/red]"
    if status.differs:
        found = ", ".join(f"{name} is {value}" for name, value in sorted(status.differs.items()))
        return f"[yellow]{found}; stream topics --update sets it[/yellow]"
    return "[green]ok[/green]" if before[status.spec.name].partitions else "[green]created[/green]"
