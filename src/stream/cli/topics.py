"""``stream topics``: create, check and update the topics of the flow."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from stream.kafka import topic_admin
from stream.kafka.topic_admin import TopicStatus
from stream.settings import load_settings


@click.command(epilog="Example: stream topics --broker kafka:9092 --replication 3")
@click.option("--broker", help="Kafka bootstrap servers: host:port[,host:port…].")
@click.option("--replication", type=int, help="Replicas of each new topic; -1 uses the default of the broker.")
@click.option(
    "--check", is_flag=True, help="Change nothing; exit with 1 if a topic is missing or its configuration differs."
)
@click.option("--update", is_flag=True, help="Also correct the configuration of existing topics.")
def topics(broker: str | None, replication: int | None, check: bool, update: bool) -> None:
    """Create missing topics, and show the state of each topic.

    Existing topics are changed with --update only, and their partitions never.
    """
    settings = load_settings(broker=broker, replication=replication)
    if settings.is_memory:
        raise click.UsageError("memory:// creates its topics by itself; use a Kafka broker")
    statuses = topic_admin.inspect(settings, settings.topic_specs)
    before = {status.spec.name: status for status in statuses}
    missing = [status.spec for status in statuses if not status.partitions and not status.is_hidden]
    if not check:
        if missing:
            topic_admin.create(settings, missing, replication=settings.replication)
        if update:
            topic_admin.update(settings, statuses)
        statuses = topic_admin.inspect(settings, settings.topic_specs)
    _print_table(statuses, before)
    if any(status.problem or (check and status.differs) for status in statuses):
        sys.exit(1)


def _print_table(statuses: list[TopicStatus], before: dict[str, TopicStatus]) -> None:
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
        config = status.spec.config
        differences = ", ".join(
            f"{name} is {value} instead of {config[name]}" for name, value in sorted(status.differs.items())
        )
        return f"[yellow]{differences}; fix it with: stream topics --update[/yellow]"
    return "[green]ok[/green]" if before[status.spec.name].partitions else "[green]created[/green]"
