"""``stream topics``: create, check and update the topics of the flow."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click
import orjson
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import console
from stream.cli.findings_table import STYLES, findings_as_json, print_findings
from stream.core.contracts.topics import TopicSpec
from stream.doctor.check_topics import check_topics
from stream.doctor.collect_broker import collect_topics
from stream.doctor.facts import TopicFacts
from stream.doctor.findings import Finding, State, is_acceptable
from stream.doctor.report import check_topic_rules
from stream.kafka import topic_admin
from stream.kafka.topic_admin import TopicStatus
from stream.settings import DAY_MS, STAGES, Settings, Stage, load_settings

#: The worst first.
_SEVERITY: Final = (State.FAIL, State.WARN)
#: What the configuration of a topic decides; the number of replicas is a matter of the cluster.
_CONFIGURATION_CHECKS: Final = ("topics", "retention", "message size")


@click.command(epilog="Example: stream topics --broker kafka:9092 --replication 3")
@click.option("--broker", help="Kafka bootstrap servers: host:port[,host:port…].")
@click.option("--replication", type=int, help="Replicas of each new topic; -1 uses the default of the broker.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if there is a failure.")
@click.option("--strict", is_flag=True, help="With --check, exit with 1 for warnings, too.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    type=click.Choice(STAGES),
    help="With --check, the step whose permissions are checked. Repeatable; default: both.",
)
@click.option("--json", "as_json", is_flag=True, help="With --check, print the findings as one JSON object.")
@click.option("--update", is_flag=True, help="Also correct the configuration of existing topics.")
@click.option("-y", "--yes", is_flag=True, help="With --update, do not ask before records are deleted.")
def topics(
    broker: str | None,
    *,
    replication: int | None,
    check: bool,
    strict: bool,
    steps: tuple[Stage, ...],
    as_json: bool,
    update: bool,
    yes: bool,
) -> None:
    """Create missing topics, and show the state of each topic.

    Existing topics are changed with --update only, and their partitions never. If an update makes the broker delete
    records, as a shorter retention does, the command asks first; without a terminal it refuses unless --yes is given.

    With --check, it reports what stream doctor reports of topics and permissions, by the same rules. Run it as the
    user of the workers.

    Exit codes: 0 no failure; 1 with --check, at least one failure, or with --strict a warning; else a topic cannot be
    used, or you answered no; 2 wrong usage; 69 the broker cannot be reached, or refuses.
    """
    if check and update:
        raise click.UsageError("--check changes nothing, and --update does; use one of them")
    if not check and (strict or steps or as_json):
        raise click.UsageError("--strict, --step and --json belong to --check")
    settings = load_settings(broker=broker, replication=replication)
    if settings.is_memory:
        raise click.UsageError("memory:// creates its topics by itself; use a Kafka broker")
    if check:
        _check(settings, steps or STAGES, strict=strict, as_json=as_json)
    else:
        _create(settings, update=update, ask=not yes)


def _check(settings: Settings, steps: Sequence[Stage], *, strict: bool, as_json: bool) -> None:
    facts, group = collect_topics(settings)
    findings = check_topic_rules(settings, facts, group, steps=steps)
    is_ok = is_acceptable(findings, strict=strict)
    if as_json:
        click.echo(orjson.dumps(findings_as_json(findings, is_ok=is_ok)))
    else:
        _print_topics(settings, facts, findings)
        print_findings(console(), findings)
    sys.exit(0 if is_ok else 1)


def _create(settings: Settings, *, update: bool, ask: bool) -> None:
    statuses = topic_admin.inspect(settings, settings.topic_specs)
    missing = [status.spec for status in statuses if not status.partitions and not status.is_hidden]
    if update and ask:
        _confirm_deletions(statuses)
    if missing:
        topic_admin.create(settings, missing, replication=settings.replication)
    if update:
        topic_admin.update(settings, statuses)
    facts, _ = collect_topics(settings)
    problems = [
        finding
        for finding in check_topics(settings, facts)
        if finding.check in _CONFIGURATION_CHECKS and finding.state in _SEVERITY
    ]
    _print_topics(settings, facts, problems, created={spec.name for spec in missing})
    if problems:
        print_findings(console(), problems)
    if any(topic.problem or topic.is_hidden or not topic.partitions for topic in facts.values()):
        sys.exit(1)


def _confirm_deletions(statuses: Sequence[TopicStatus]) -> None:
    """Ask before an update makes the broker delete records."""
    deletions = [deletion for status in statuses for deletion in status.deletions]
    if not deletions:
        return
    click.echo("the update makes the broker delete:\n  " + "\n  ".join(deletions), err=True)
    if not sys.stdin.isatty():
        raise click.UsageError(
            "records would be deleted, and nobody can be asked; add --yes to delete them, or correct "
            "STREAM_RETENTION_DAYS or STREAM_WINDOW_DAYS"
        )
    click.confirm("Update the topics?", abort=True, err=True)


def _print_topics(
    settings: Settings,
    topics: Mapping[str, TopicFacts],
    findings: Sequence[Finding],
    created: frozenset[str] | set[str] = frozenset(),
) -> None:
    table = Table("topic", "partitions", "clean-up", "state", box=None, pad_edge=False, header_style="dim")
    table.columns[1].justify = "right"
    for spec in settings.topic_specs:
        topic = topics[spec.name]
        state = _state(spec.name, topic, findings, is_created=spec.name in created)
        table.add_row(spec.name, str(topic.partitions or "-"), _cleanup(spec), state)
    console().print(table)


def _cleanup(spec: TopicSpec) -> str:
    if "retention.ms" in spec.config:
        return f"delete after {int(spec.config['retention.ms']) / DAY_MS:g} days"
    return spec.config["cleanup.policy"]


def _state(name: str, topic: TopicFacts, findings: Sequence[Finding], *, is_created: bool) -> Text:
    if topic.is_hidden:
        return Text("not visible", style=STYLES[State.FAIL])
    if not topic.partitions:
        return Text("missing", style=STYLES[State.FAIL])
    states = {
        finding.state
        for finding in findings
        if finding.check in _CONFIGURATION_CHECKS and finding.figures.get("topic") == name
    }
    for state in _SEVERITY:
        if state in states:
            return Text(state, style=STYLES[state])
    return Text("created" if is_created else "OK", style=STYLES[State.OK])
