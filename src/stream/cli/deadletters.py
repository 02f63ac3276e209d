"""``stream deadletters``: list, show, correct and requeue rejected records."""

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
from stream.cli.bidi import console, escape_json
from stream.cli.dead_letter_edit import edit, find_dead_letter, requeue_file
from stream.cli.dead_letter_options import (
    attempts_option,
    broker_option,
    is_interactive,
    load_kafka_settings,
    yes_option,
)
from stream.dead_letters.parsed_dead_letter import DeadLetter, DeadLetterFilter, RecordId
from stream.dead_letters.requeue import (
    RequeuePlan,
    RequeueResult,
    RequeueRules,
    SkipReason,
    plan_requeue,
    requeue_all,
)
from stream.dead_letters.topic_reader import OffsetRanges, OnProgress, RejectedTopicReader, ignore_progress
from stream.errors import REJECTION_CODES, BrokerError
from stream.settings import STAGES, Settings

#: Rows of the table, unless --limit sets another number.
_ROWS_MAX: Final = 50
_EXIT_SKIPPED, _EXIT_INTERRUPTED = 1, 130
#: Offsets between two updates of the progress bar.
_PROGRESS_STEP: Final = 200

_FILTERS: Final = (
    broker_option,
    click.option(
        "--code",
        "codes",
        multiple=True,
        type=click.Choice(sorted(REJECTION_CODES)),
        metavar="CODE",
        help="Only this rejection code (list --summary shows the codes in the topic). Repeatable.",
    ),
    click.option(
        "--stage", "stages", multiple=True, type=click.Choice(STAGES), help="Only rejections by this step. Repeatable."
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        help="Only this source: a TOPIC, a TOPIC/PARTITION, a CloudEvents source (ce_source) or a domain. The domain "
        "is that of the article's source, else of its URL; it includes its subdomains. Repeatable.",
    ),
    click.option(
        "--since", help="Only rejections since this time: 2026-05-04T06:00:00Z, or an age such as 30m, 2h or 3d."
    ),
    click.option("--until", help="Only rejections before this time; same formats as --since."),
    click.option(
        "--not-requeued",
        is_flag=True,
        help="Leave out dead letters that were requeued before (also reads the raw topic).",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Show no progress bar."),
)


def _with_filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group(
    epilog="Example: stream deadletters list --since 2h, or: stream deadletters requeue --code wrong_type --dry-run"
)
def deadletters() -> None:
    """List, show, correct and requeue rejected records (dead letters)."""


deadletters.add_command(edit)


@deadletters.command(
    "list", epilog="Example: stream deadletters list --code invalid_json --source paper.example --since 2h"
)
@_with_filters
@click.option(
    "--limit", type=click.IntRange(min=1), help="Show the newest N only. Default: 50 in the table, all in JSON."
)
@click.option("--json", "json_lines", is_flag=True, help="Print JSON lines, for scripts.")
@click.option("--summary", is_flag=True, help="Print only the number of dead letters by code.")
def list_(limit: int | None, json_lines: bool, summary: bool, not_requeued: bool, **options: Any) -> None:
    """List dead letters, oldest first.

    The id of a dead letter is PARTITION/OFFSET in the rejected topic, and never changes.
    """
    settings, wanted = _parse_filters(options)
    quiet = options["quiet"]
    with RejectedTopicReader(settings) as reader:
        matches: Iterable[DeadLetter] = _read_matches(reader, wanted, quiet=quiet)
        if not_requeued:
            matches = _drop_requeued(reader, list(matches), quiet=quiet)
        if summary:
            _print_summary(Counter(dead_letter.code for dead_letter in matches), json_lines=json_lines)
        elif json_lines:
            for dead_letter in deque(matches, limit) if limit else matches:
                click.echo(escape_json(orjson.dumps(view.as_json(dead_letter)), sys.stdout.buffer))
        else:
            _print_table(matches, limit or _ROWS_MAX)


@deadletters.command(
    short_help="Show one dead letter: reason, headers, key and value.",
    epilog="Example: stream deadletters show 3/1042, or: stream deadletters show 3/1042 --raw > original",
)
@click.argument("id_", metavar="ID")
@broker_option
@click.option("--raw", is_flag=True, help="Print only the original value, byte for byte.")
@click.option(
    "--json", "full_json", is_flag=True, help="Print everything as one JSON object; value_base64 if it is not UTF-8."
)
def show(id_: str, broker: str | None, raw: bool, full_json: bool) -> None:
    """Show one dead letter: why it was rejected, its headers, key and value.

    ID is PARTITION/OFFSET or TOPIC/PARTITION/OFFSET, as shown by the list command. Invisible characters are shown as
    escapes. Long values are cut unless --raw or --json is given.
    """
    settings = load_kafka_settings(broker)
    record_id = view.parse_record_id(id_, settings.topics.rejected)
    with RejectedTopicReader(settings) as reader:
        dead_letter = find_dead_letter(reader, record_id)
    if raw:
        click.get_binary_stream("stdout").write(dead_letter.value or b"")
    elif full_json:
        click.echo(escape_json(orjson.dumps(view.as_json(dead_letter, with_content=True)), sys.stdout.buffer))
    else:
        view.print_dead_letter(console(), dead_letter)


@deadletters.command(
    short_help="Send original or corrected records to the raw topic again.",
    epilog="Example: stream deadletters requeue --code text_too_large --since 3d --dry-run",
)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@_with_filters
@click.option("--limit", type=click.IntRange(min=1), help="Requeue the oldest N only.")
@attempts_option
@click.option("--also-normalized", is_flag=True, help="Also requeue into the normalized topic what came from there.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would be requeued.")
@click.option(
    "--value-file",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Requeue the dead letter ID with the value in FILE (- for standard input) instead of its own, if it is valid.",
)
@yes_option
def requeue(
    ids: tuple[str, ...],
    *,
    limit: int | None,
    max_attempts: int,
    also_normalized: bool,
    dry_run: bool,
    value_file: str | None,
    yes: bool,
    not_requeued: bool,
    **options: Any,
) -> None:
    """Requeue dead letters: send the original records to the raw topic again.

    Run it once the cause of the rejection is fixed, such as a limit that was too low. Everything that the filters and
    IDs select is requeued, one dead letter per event: key, value and headers unchanged, to the partition that it came
    from. The header __requeue.attempts counts how often, and __requeue.letter holds the id of the dead letter. The
    event keeps its identity, so an event that is requeued twice is a repeated delivery, and no duplicate of itself.
    The dead letters stay in the rejected topic until retention deletes them.

    Records that the deduplicate step rejected came from the normalized topic, where only the normalize step may write,
    and are skipped. For event_id_reused, the scraper has to send the event again with a ce_id of its own. For
    invalid_normalized, find out who wrote to that topic; if it was a worker of another version, --also-normalized
    requeues what this version can read.

    To correct a message, use stream deadletters edit, or --value-file with one ID and a file that has the corrected
    value: it is validated as a worker validates it, and sent only if it would be accepted.

    On a terminal it asks first. Elsewhere it refuses to requeue everything: give a filter, an ID or --yes.

    Ctrl-C or SIGTERM stops after the records in flight and reports what was done. Continue with --not-requeued.

    Exit codes: 0 done; 1 some dead letters were skipped and need attention, the file is not valid, or you answered no;
    66 the file cannot be read; 69 the broker failed (what was done is reported); 130 interrupted.
    """
    settings, wanted = _parse_filters(options, ids)
    if value_file is not None:
        if (
            len(ids) != 1
            or wanted != DeadLetterFilter(record_ids=wanted.record_ids)
            or limit
            or not_requeued
            or also_normalized
        ):
            raise click.UsageError("--value-file replaces the value of one dead letter: give one ID and no filters")
        (record_id,) = wanted.record_ids
        requeue_file(settings, record_id, value_file, max_attempts=max_attempts, dry_run=dry_run, yes=yes)
        return
    rules = RequeueRules(settings.topics, max_attempts, also_normalized)
    quiet = options["quiet"]
    with catch_signals() as is_stopped, RejectedTopicReader(settings, is_stopped=is_stopped) as reader:
        plan = _make_plan(reader, wanted, rules, not_requeued=not_requeued, quiet=quiet).limited_to(limit)
        if is_stopped():
            click.echo("interrupted: nothing was requeued", err=True)
            sys.exit(_EXIT_INTERRUPTED)
        if dry_run or not plan.selected:
            _print_report(plan.codes, plan, "would be requeued" if dry_run else "requeued")
            sys.exit(_EXIT_SKIPPED if plan.needs_attention else 0)
        if not yes and not is_interactive() and wanted.selects_all:
            raise click.UsageError(
                f"this would requeue everything ({view.format_count(len(plan.selected))}), and nobody can be asked; "
                "name some by a filter or an ID, add --yes to requeue all of them, or --dry-run to see them"
            )
        if not yes and is_interactive():
            _print_report(plan.codes, plan, "selected")
            click.confirm(f"Requeue {view.format_count(len(plan.selected))}?", abort=True, err=True)
        with _show_progress("requeueing", len(plan.selected), quiet=quiet) as on_progress:
            result = requeue_all(reader, plan.selected, on_progress)
        _finish(plan, result, is_stopped=is_stopped())


def _finish(plan: RequeuePlan, result: RequeueResult, *, is_stopped: bool) -> None:
    """Report what was done, and end with the matching exit code."""
    missing = len(plan.selected) - result.stored.total()
    ended_early = is_stopped or result.failure is not None
    if missing and not ended_early:
        plan = plan.with_skipped(SkipReason.GONE, missing)
    _print_report(result.stored, plan, "requeued")
    if ended_early and missing:
        click.echo(f"{view.format_count(missing)} not requeued; continue with --not-requeued", err=True)
    if result.failure is not None:
        raise BrokerError(f"not everything was requeued: {result.failure}") from result.failure
    if is_stopped and missing:
        sys.exit(_EXIT_INTERRUPTED)
    sys.exit(_EXIT_SKIPPED if plan.needs_attention else 0)


def _print_report(codes: Counter[str], plan: RequeuePlan, outcome: str) -> None:
    if codes:
        console().print(view.code_table(codes))
    click.echo(f"{view.format_count(codes.total())} {outcome}")
    for reason, number in plan.skipped.items():
        click.echo(f"{number} skipped: {reason.value}")


# Reading


def _parse_filters(options: dict[str, Any], ids: Iterable[str] = ()) -> tuple[Settings, DeadLetterFilter]:
    settings, now = load_kafka_settings(options["broker"]), system_clock.now_ms()
    since, until = (view.parse_time(options[name], now) if options[name] else None for name in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since has to be before --until")
    return settings, DeadLetterFilter(
        codes=frozenset(options["codes"]),
        stages=frozenset(options["stages"]),
        sources=frozenset(options["sources"]),
        record_ids=frozenset(view.parse_record_id(text, settings.topics.rejected) for text in ids),
        since=since,
        until=until,
    )


def _read_matches(reader: RejectedTopicReader, wanted: DeadLetterFilter, *, quiet: bool) -> Iterator[DeadLetter]:
    return filter(wanted.matches, _read_all(reader, wanted, quiet=quiet))


def _read_all(reader: RejectedTopicReader, wanted: DeadLetterFilter, *, quiet: bool) -> Iterator[DeadLetter]:
    """Read all dead letters since the oldest that can match."""
    ranges = reader.ranges(wanted.since)
    with _show_progress("reading the rejected topic", _total(ranges), quiet=quiet) as on_progress:
        yield from reader.read(ranges, on_progress)


def _make_plan(
    reader: RejectedTopicReader, wanted: DeadLetterFilter, rules: RequeueRules, *, not_requeued: bool, quiet: bool
) -> RequeuePlan:
    plan = plan_requeue(_read_all(reader, wanted, quiet=quiet), wanted, rules)
    if not not_requeued or not plan.selected or reader.is_stopped():
        return plan
    return plan.without_requeued(_read_requeued_ids(reader, (item.origin for item in plan.selected), quiet=quiet))


def _drop_requeued(reader: RejectedTopicReader, matches: list[DeadLetter], *, quiet: bool) -> list[DeadLetter]:
    origins = (dead_letter.origin for dead_letter in matches if dead_letter.origin)
    ids = _read_requeued_ids(reader, origins, quiet=quiet)
    return [dead_letter for dead_letter in matches if str(dead_letter.record_id) not in ids]


def _read_requeued_ids(reader: RejectedTopicReader, origins: Iterable[RecordId], *, quiet: bool) -> set[str]:
    ranges = reader.raw_ranges_after(origins)
    with _show_progress("reading the raw topic", _total(ranges), quiet=quiet) as on_progress:
        return reader.requeued_ids(ranges, on_progress)


def _total(ranges: OffsetRanges) -> int:
    return sum(offsets.length for offsets in ranges.values())


# Output


def _print_table(matches: Iterable[DeadLetter], rows: int) -> None:
    total, newest = 0, deque[DeadLetter](maxlen=rows)
    for dead_letter in matches:
        total += 1
        newest.append(dead_letter)
    if newest:
        out = console()
        out.print(view.dead_letter_table(newest, out.width))
    hint = f"; showing the newest {rows} (--limit changes that)" if total > rows else ""
    click.echo(view.format_count(total) + hint, err=True)


def _print_summary(codes: Counter[str], *, json_lines: bool) -> None:
    if json_lines:
        click.echo(orjson.dumps({"letters": codes.total(), "codes": dict(codes.most_common())}))
        return
    if codes:
        console().print(view.code_table(codes))
    click.echo(view.format_count(codes.total()), err=True)


@contextlib.contextmanager
def _show_progress(description: str, total: int, *, quiet: bool) -> Iterator[OnProgress]:
    """Show a progress bar, on a terminal only; yields the callback that advances it."""
    if quiet or not total or not sys.stderr.isatty():
        yield ignore_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, pending = progress.add_task(description, total=total), 0

        def advance(count: int) -> None:
            nonlocal pending
            pending += count
            if pending >= _PROGRESS_STEP:
                progress.advance(task, pending)
                pending = 0

        yield advance


@contextlib.contextmanager
def catch_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns True once SIGINT or SIGTERM came; a second signal ends the process as usual."""
    stop_requested = threading.Event()
    previous: dict[int, Any] = {}

    def handle(number: int, _frame: FrameType | None) -> None:
        stop_requested.set()
        signal.signal(number, previous[number])

    for signal_number in (signal.SIGINT, signal.SIGTERM):
        previous[signal_number] = signal.signal(signal_number, handle)
    try:
        yield stop_requested.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
