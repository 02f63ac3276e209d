"""``stream deadletters``: what was rejected, why, and putting it back."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stream import system_clock
from stream.cli import dead_letter_view as view
from stream.cli.bidi import console
from stream.cli.input_files import InputError
from stream.dead_letters.dead_letter import DeadLetter, RecordId, Wanted
from stream.dead_letters.requeue import Left, Plan, Rules, Sent, plan, put_back_all
from stream.dead_letters.topic_reader import Advance, RejectedTopicReader, Spans, nothing
from stream.errors import REJECTION_CODES, BrokerError
from stream.settings import STAGES, Settings, load_settings

#: So many rows of a table, unless --limit tells.
_ROWS_MAX: Final = 50
_LEFT_BEHIND, _INTERRUPTED = 1, 130
#: How many offsets go by between two looks of the progress bar.
_ADVANCE_EVERY: Final = 200

_FILTERS: Final = (
    click.option("--broker", help="host:port[,host:port…] of Kafka."),
    click.option(
        "--code",
        "codes",
        multiple=True,
        type=click.Choice(sorted(REJECTION_CODES)),
        metavar="CODE",
        help="Rejected with this code (list --summary names those that there are); may be given several times.",
    ),
    click.option("--stage", "stages", multiple=True, type=click.Choice(STAGES), help="Rejected by this step."),
    click.option(
        "--source",
        "sources",
        multiple=True,
        help="From this topic, TOPIC/PARTITION, CloudEvents source (ce_source) or domain. The domain is that of the "
        "article's source, else of its URL, where the original is JSON; its subdomains belong to it.",
    ),
    click.option("--since", help="Rejected at this time or later: 2026-05-04T06:00:00Z, or a time ago (30m, 2h, 3d)."),
    click.option("--until", help="Rejected before this time, written in the same ways."),
    click.option("--not-requeued", is_flag=True, help="Leave out what was put back before. Reads the raw topic too."),
    click.option("-q", "--quiet", is_flag=True, help="No progress."),
)


def _filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group(
    epilog="Example: stream deadletters list --since 2h, or: stream deadletters requeue --code wrong_type --dry-run"
)
def deadletters() -> None:
    """List, show and put back what was rejected."""


@deadletters.command(
    "list", epilog="Example: stream deadletters list --code invalid_json --source paper.example --since 2h"
)
@_filtered
@click.option("--limit", type=click.IntRange(min=1), help="The newest so many. Default: 50 in the table, all in JSON.")
@click.option("--json", "json_lines", is_flag=True, help="JSON lines, for scripts.")
@click.option("--summary", is_flag=True, help="Only how many there are of each code.")
def list_(limit: int | None, json_lines: bool, summary: bool, not_requeued: bool, **given: Any) -> None:
    """List dead letters, the oldest first.

    An id is PARTITION/OFFSET in the rejected topic, and stays the same.
    """
    settings, wanted = _wanted(given)
    with RejectedTopicReader(settings) as box:
        found: Iterable[DeadLetter] = _read(box, wanted, quiet=given["quiet"])
        if not_requeued:
            found = _without_requeued(box, list(found), quiet=given["quiet"])
        if summary:
            _summarise(Counter(letter.code for letter in found), json_lines=json_lines)
        elif json_lines:
            for letter in deque(found, limit) if limit else found:
                click.echo(orjson.dumps(view.as_json(letter)))
        else:
            _tabulate(found, limit or _ROWS_MAX)


@deadletters.command(
    epilog="Example: stream deadletters show 3/1042, or: stream deadletters show 3/1042 --raw > original"
)
@click.argument("letter_id", metavar="ID")
@click.option("--broker", help="host:port[,host:port…] of Kafka.")
@click.option("--raw", is_flag=True, help="Only the original value, byte for byte.")
@click.option("--json", "whole_json", is_flag=True, help="One JSON object with everything; value_base64 if not UTF-8.")
def show(letter_id: str, broker: str | None, raw: bool, whole_json: bool) -> None:
    """Show one dead letter.

    The reason, the headers, the key and the value. ID is PARTITION/OFFSET or TOPIC/PARTITION/OFFSET, as list tells
    it. Characters that are not seen are shown as escapes; long values are cut unless --raw or --json is given.
    """
    settings = _settings(broker)
    place = view.place(letter_id, settings.topics.rejected)
    with RejectedTopicReader(settings) as box:
        letter = box.find(place)
    if letter is None:
        raise InputError(f"{place}: there is no such dead letter, or retention has deleted it")
    if raw:
        click.get_binary_stream("stdout").write(letter.value or b"")
    elif whole_json:
        click.echo(orjson.dumps(view.as_json(letter, whole=True)))
    else:
        view.show(console(), letter)


@deadletters.command(epilog="Example: stream deadletters requeue --code text_too_large --since 3d --dry-run")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@_filtered
@click.option("--limit", type=click.IntRange(min=1), help="The oldest so many.")
@click.option(
    "--max-attempts", type=click.IntRange(min=1), default=3, show_default=True, help="Leave what was put back so often."
)
@click.option("--also-normalized", is_flag=True, help="Also put back into the normalized topic what came from there.")
@click.option("--dry-run", is_flag=True, help="Put nothing back; tell what would be.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def requeue(
    ids: tuple[str, ...],
    *,
    limit: int | None,
    max_attempts: int,
    also_normalized: bool,
    dry_run: bool,
    yes: bool,
    not_requeued: bool,
    **given: Any,
) -> None:
    """Put dead letters back into the raw topic.

    Do so once what rejected them is mended, such as a limit. All that the filters and IDs select is put back, one
    letter an event: key, value and headers as they came, to the partition that they came from. __requeue.attempts
    counts how often; __requeue.letter names the letter. The event keeps its identity: what is put back twice is a
    repeated delivery and no copy of itself. The letters stay where they are until retention deletes them.

    What the deduplicate step rejected came from the normalized topic, where only the normalize step may write, and is
    left. event_id_reused: the scraper has to send the event again with a ce_id of its own. invalid_normalized: find
    out who wrote there. Where that was a worker of another version, --also-normalized puts back what this version can
    read.

    Ctrl-C or SIGTERM ends it after what is on its way; what was done is told. Run it again with --not-requeued.

    Exit codes: 0 done; 1 letters were left that need attention, or not confirmed; 69 broker, and what was done is
    told; 130 interrupted.
    """
    settings, wanted = _wanted(given, ids)
    rules = Rules(settings.topics, max_attempts, also_normalized)
    with _interruptible() as stopped, RejectedTopicReader(settings, stopped=stopped) as box:
        planned = _planned(box, wanted, rules, not_requeued=not_requeued, quiet=given["quiet"]).first(limit)
        if stopped():
            click.echo("interrupted: nothing was put back", err=True)
            sys.exit(_INTERRUPTED)
        if dry_run or not planned.chosen:
            _report(
                Counter() if not dry_run else planned.codes, planned, "would be put back" if dry_run else "put back"
            )
            sys.exit(_LEFT_BEHIND if planned.needs_attention else 0)
        if not yes and _is_asked():
            _report(planned.codes, planned, "selected")
            click.confirm(f"Put {len(planned.chosen)} back?", abort=True, err=True)
        with _progress("put back", len(planned.chosen), quiet=given["quiet"]) as advance:
            sent = put_back_all(box, planned.chosen, advance)
        _finish(planned, sent, is_stopped=stopped())


def _finish(planned: Plan, sent: Sent, *, is_stopped: bool) -> None:
    """Tell what was done, and end with the exit code of it."""
    missing = len(planned.chosen) - sent.stored.total()
    is_early = is_stopped or sent.failure is not None
    if missing and not is_early:
        planned = planned.with_left(Left.GONE, missing)
    _report(sent.stored, planned, "put back")
    if is_early and missing:
        click.echo(f"{missing} not put back; run it again with --not-requeued for the rest", err=True)
    if sent.failure is not None:
        raise BrokerError(f"not everything was put back: {sent.failure}") from sent.failure
    if is_stopped and missing:
        sys.exit(_INTERRUPTED)
    sys.exit(_LEFT_BEHIND if planned.needs_attention else 0)


def _report(codes: Counter[str], planned: Plan, verb: str) -> None:
    if codes:
        console().print(view.counts(codes))
    click.echo(f"{codes.total()} letters {verb}")
    for reason, count in planned.left.items():
        click.echo(f"{count} left: {reason.value}")


def _is_asked() -> bool:
    """Somebody is there to answer."""
    return sys.stdin.isatty()


# Reading


def _settings(broker: str | None) -> Settings:
    settings = load_settings(broker=broker)
    if settings.is_memory:
        raise click.UsageError("memory:// lives in one process; give a Kafka broker")
    return settings


def _wanted(given: dict[str, Any], ids: Iterable[str] = ()) -> tuple[Settings, Wanted]:
    settings, now = _settings(given["broker"]), system_clock.now_ms()
    since, until = (view.moment(given[name], now) if given[name] else None for name in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since has to be before --until")
    return settings, Wanted(
        codes=frozenset(given["codes"]),
        stages=frozenset(given["stages"]),
        sources=frozenset(given["sources"]),
        places=frozenset(view.place(text, settings.topics.rejected) for text in ids),
        since=since,
        until=until,
    )


def _read(box: RejectedTopicReader, wanted: Wanted, *, quiet: bool) -> Iterator[DeadLetter]:
    return (letter for letter in _all(box, wanted, quiet=quiet) if letter in wanted)


def _all(box: RejectedTopicReader, wanted: Wanted, *, quiet: bool) -> Iterator[DeadLetter]:
    """All letters since the oldest that can be meant."""
    spans = box.spans(wanted.since)
    with _progress("read", _length(spans), quiet=quiet) as advance:
        yield from box.letters(spans, advance)


def _planned(box: RejectedTopicReader, wanted: Wanted, rules: Rules, *, not_requeued: bool, quiet: bool) -> Plan:
    planned = plan(_all(box, wanted, quiet=quiet), wanted, rules)
    if not not_requeued or not planned.chosen or box.stopped():
        return planned
    return planned.without(_ids_put_back(box, (one.origin for one in planned.chosen), quiet=quiet))


def _without_requeued(box: RejectedTopicReader, found: list[DeadLetter], *, quiet: bool) -> list[DeadLetter]:
    ids = _ids_put_back(box, (letter.origin for letter in found if letter.origin), quiet=quiet)
    return [letter for letter in found if str(letter.place) not in ids]


def _ids_put_back(box: RejectedTopicReader, origins: Iterable[RecordId], *, quiet: bool) -> set[str]:
    spans = box.behind(origins)
    with _progress("raw topic read", _length(spans), quiet=quiet) as advance:
        return box.put_back(spans, advance)


def _length(spans: Spans) -> int:
    return sum(span.length for span in spans.values())


# Telling


def _tabulate(found: Iterable[DeadLetter], rows: int) -> None:
    total, newest = 0, deque[DeadLetter](maxlen=rows)
    for letter in found:
        total += 1
        newest.append(letter)
    if newest:
        console().print(view.table(newest))
    more = f", the newest {rows} are shown; --limit tells how many" if total > rows else ""
    click.echo(f"{total} letters{more}", err=True)


def _summarise(codes: Counter[str], *, json_lines: bool) -> None:
    if json_lines:
        click.echo(orjson.dumps({"letters": codes.total(), "codes": dict(codes.most_common())}))
        return
    if codes:
        console().print(view.counts(codes))
    click.echo(f"{codes.total()} letters", err=True)


@contextlib.contextmanager
def _progress(what: str, total: int, *, quiet: bool) -> Iterator[Advance]:
    """What to tell about each step; shown on a terminal only."""
    if quiet or not total or not sys.stderr.isatty():
        yield nothing
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, passed = progress.add_task(what, total=total), 0

        def advance(count: int) -> None:
            nonlocal passed
            passed += count
            if passed >= _ADVANCE_EVERY:
                progress.advance(task, passed)
                passed = 0

        yield advance


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM came; a second one ends the process as ever."""
    asked = threading.Event()
    before: dict[int, Any] = {}

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(number, before[number])

    for wanted in (signal.SIGINT, signal.SIGTERM):
        before[wanted] = signal.signal(wanted, ask)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
