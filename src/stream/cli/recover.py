"""``stream recover``: go on after a log went back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import click
import orjson
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import console, escape_invisible
from stream.recovery.apply import apply_recoveries, running_workers
from stream.recovery.collect import LogFacts, collect_log_facts
from stream.recovery.plan import Recovery, plan_recovery
from stream.settings import Settings, load_settings


@click.command(epilog="Example: stream recover --broker kafka:9092, and then: stream recover --broker kafka:9092 --yes")
@click.option("--broker", help="Kafka bootstrap servers: host:port[,host:port…].")
@click.option("-y", "--yes", is_flag=True, help="Do what is shown. All workers of the group must have stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def recover(broker: str | None, *, yes: bool, as_json: bool) -> None:
    """Say what to do after a log went back, and with --yes do it.

    A log goes back when its topic is deleted and created again, or when its end is lost: by an unclean leader
    election, or by a broker that lost what its disk had not stored. Workers notice it and stop with exit code 65. This
    command compares topic ids, leader epochs and offsets with those that the workers have stored, and shows what
    differs. With --yes it writes a record to the changelog, from which indexes learn how to go on, and commits the
    offsets at which the workers go on. Nothing that was decided is decided again with another result.

    It may be run again at any time: what is done already does not differ any more.

    Exit codes: 0 no log went back, or all is recovered; 1 a log went back, and --yes was not given; 2 wrong usage; 69
    the broker cannot be reached, or refuses, or workers are running.
    """
    settings = load_settings(broker=broker)
    if settings.is_memory:
        raise click.UsageError("memory:// exists within one process only; use a Kafka broker")
    facts = asyncio.run(collect_log_facts(settings))
    recoveries = plan_recovery(facts.raw, facts.indexes, changelog=settings.topics.fingerprints)
    if yes and recoveries:
        asyncio.run(_apply(settings, facts, recoveries))
    if as_json:
        click.echo(orjson.dumps(_as_json(recoveries, is_done=yes)))
    else:
        _print(settings, facts, recoveries, is_done=yes)
    sys.exit(1 if recoveries and not yes else 0)


async def _apply(settings: Settings, facts: LogFacts, recoveries: Sequence[Recovery]) -> None:
    if facts.members:
        raise running_workers(settings.group)
    changelog_id = facts.indexes[0].changelog.topic_id if facts.indexes else ""
    await apply_recoveries(settings, recoveries, changelog_id)


def _print(settings: Settings, facts: LogFacts, recoveries: Sequence[Recovery], *, is_done: bool) -> None:
    out = console()
    if not recoveries:
        logs = len(facts.raw) + 2 * len(facts.indexes)
        out.print(f"Nothing to do: all {logs} logs of group {settings.group} are those that were read.")
        return
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for recovery in recoveries:
        for change in recovery.changes:
            name = Text(escape_invisible(f"{change.topic}/{change.partition}"), style="bold")
            table.add_row(name, Text(escape_invisible(f"{change.kind}: {change.summary}")))
        table.add_row("", Text(escape_invisible(f"→ {recovery.action}"), style="green" if is_done else "bold yellow"))
    out.print(table)
    if is_done:
        out.print("Done. Start the workers, and check: stream doctor")
        return
    out.print("Nothing was changed. Stop all workers, then run: stream recover --yes")
    if facts.members:
        out.print(f"The group has {facts.members} running workers now.")


def _as_json(recoveries: Sequence[Recovery], *, is_done: bool) -> dict[str, Any]:
    return {
        "recovered": is_done and bool(recoveries),
        "changed": [
            {"topic": change.topic, "partition": change.partition, "kind": change.kind, "summary": change.summary}
            for recovery in recoveries
            for change in recovery.changes
        ],
        "actions": [
            {
                "topic": recovery.topic,
                "partition": recovery.partition,
                "offset": recovery.offset,
                "base": recovery.metadata.base,
                "summary": recovery.action,
            }
            for recovery in recoveries
        ],
    }
