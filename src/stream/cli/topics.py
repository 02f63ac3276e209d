"""``stream topics``: create, check and update the topics of the flow."""

from __future__ import annotations

import sys

import click
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import console
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
    _print_report(statuses, before)
    if any(status.problem or (check and status.differs) for status in statuses):
        sys.exit(1)


def _print_report(statuses: list[TopicStatus], before: dict[str, TopicStatus]) -> None:
    out = console()
    table = Table("topic", "partitions", "clean-up", "state", box=None, pad_edge=False, header_style="dim")
    table.columns[1].justify = "right"
    for status in statuses:
        partitions = str(status.partitions or "-")
        table.add_row(status.spec.name, partitions, _cleanup(status), _state(status, before[status.spec.name]))
    out.print(table)
    for status in statuses:
        if status.problem:
            out.print(Text(status.problem, style="red"), soft_wrap=not out.is_terminal)
        for name, value in sorted(status.differs.items()):
            out.print(
                f"{status.spec.name}: {name} is {value} instead of {status.spec.config[name]}",
                soft_wrap=not out.is_terminal,
            )
    if any(status.differs for status in statuses):
        out.print("to correct the configuration, run: stream topics --update")


def _cleanup(status: TopicStatus) -> str:
    config = status.spec.config
    if "retention.ms" in config:
        return f"delete after {int(config['retention.ms']) / 86_400_000:g} days"
    return config["cleanup.policy"]


def _state(status: TopicStatus, before: TopicStatus) -> Text:
    if status.problem:
        return Text("missing" if not (status.partitions or status.is_hidden) else "not usable", style="bold red")
    if status.differs:
        return Text("differs", style="yellow")
    return Text("ok" if before.partitions else "created", style="green")
