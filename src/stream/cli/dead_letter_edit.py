"""``stream deadletters edit``, and ``requeue --value-file``: requeue one dead letter with a corrected value."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from stream import system_clock
from stream.cli import dead_letter_view as view
from stream.cli.bidi import escape_invisible
from stream.cli.dead_letter_options import (
    attempts_option,
    broker_option,
    is_interactive,
    load_kafka_settings,
    yes_option,
)
from stream.cli.input_files import MESSAGE_BYTES_MAX, STDIN, InputError
from stream.dead_letters.edit import check_edited_value, edited_record
from stream.dead_letters.parsed_dead_letter import DeadLetter, RecordId
from stream.dead_letters.requeue import RequeueRules, requeue_one
from stream.dead_letters.topic_reader import RejectedTopicReader
from stream.settings import Settings

#: What a user may want to change: it was not sent.
_EXIT_NOT_SENT: Final = 1


@click.command(
    short_help="Correct one dead letter in your editor, and requeue it.",
    epilog="Example: stream deadletters edit 3/1042, or: EDITOR=nano stream deadletters edit 3/1042",
)
@click.argument("id_", metavar="ID")
@broker_option
@attempts_option
@click.option("--dry-run", is_flag=True, help="Edit and validate, but send nothing.")
@yes_option
def edit(id_: str, broker: str | None, max_attempts: int, dry_run: bool, yes: bool) -> None:
    """Correct one dead letter in your editor ($VISUAL, $EDITOR), and requeue it.

    ID is PARTITION/OFFSET or TOPIC/PARTITION/OFFSET, as shown by the list command. The editor opens the original value,
    byte for byte. What you save is validated as a worker validates it. If it would be rejected again, the reason is
    shown, and you can edit it again.

    The corrected message gets the key, the headers and the identity of the original and goes to the same partition of
    the raw topic. The header __requeue.letter holds the id of the dead letter, and __requeue.edited says that the
    value was edited. Records that the deduplicate step rejected cannot be edited: they came from the normalized topic,
    where only the normalize step may write.

    Without a terminal, write the value to a file, correct it there, and requeue the file:

    \b
      stream deadletters show 3/1042 --raw > message.json
      stream deadletters requeue 3/1042 --value-file message.json

    Exit codes: 0 requeued, or valid with --dry-run; 1 not changed, not valid, or you answered no; 66 there is no such
    dead letter; 69 the broker failed.
    """  # noqa: D301 - click's mark for lines that are not wrapped
    settings = load_kafka_settings(broker)
    record_id = view.parse_record_id(id_, settings.topics.rejected)
    if not is_interactive():
        raise click.UsageError(
            "editing needs a terminal; without one, use: "
            f"stream deadletters show {record_id.short} --raw > FILE, correct the file, and "
            f"stream deadletters requeue {record_id.short} --value-file FILE"
        )
    with RejectedTopicReader(settings) as reader:
        dead_letter = _find(reader, record_id, max_attempts)
    with _edit_in_file(dead_letter) as file:
        value = _edit_until_valid(file, dead_letter, settings)
        with RejectedTopicReader(settings) as reader:  # the first connection would be idle while the user edits
            _requeue(reader, dead_letter, value, dry_run=dry_run, ask=not yes)
        if not dry_run:
            file.unlink()


def requeue_file(
    settings: Settings, record_id: RecordId, path: str, *, max_attempts: int, dry_run: bool, yes: bool
) -> None:
    """Requeue one dead letter with the value in the file ``path`` (``-``: standard input), if it is valid.

    Raises:
        InputError: the file cannot be read, or there is no such dead letter.
        BrokerError: the broker cannot be reached, or does not store the record.
    """
    value = _read_value(path)
    with RejectedTopicReader(settings) as reader:
        dead_letter = _find(reader, record_id, max_attempts)
        if not _report_check(dead_letter, value, settings):
            sys.exit(_EXIT_NOT_SENT)
        _requeue(reader, dead_letter, value, dry_run=dry_run, ask=not yes and path != STDIN and is_interactive())


def find_dead_letter(reader: RejectedTopicReader, record_id: RecordId) -> DeadLetter:
    """Read one dead letter.

    Raises:
        InputError: it does not exist.
    """
    dead_letter = reader.find(record_id)
    if dead_letter is None:
        raise InputError(
            f"{record_id}: there is no such dead letter, or retention has deleted it; see: stream deadletters list"
        )
    return dead_letter


def _find(reader: RejectedTopicReader, record_id: RecordId, max_attempts: int) -> DeadLetter:
    """Read a dead letter whose value can be replaced; ends the command if it cannot."""
    dead_letter = find_dead_letter(reader, record_id)
    if dead_letter.code == "undecodable_batch":
        cause = "it stands for a batch that was not unpacked, and has no value"
    else:
        # A missing value is no obstacle, since it is replaced.
        reason = RequeueRules(reader.topics, max_attempts).skip_reason(replace(dead_letter, value=b""))
        if reason is None:
            return dead_letter
        cause = reason.value
    click.echo(f"{record_id} cannot be edited and requeued: {cause}", err=True)
    sys.exit(_EXIT_NOT_SENT)


def _edit_until_valid(file: Path, dead_letter: DeadLetter, settings: Settings) -> bytes:
    while True:
        _open_editor(file)
        value = _read_edited(file, dead_letter)
        if value == (dead_letter.value or b""):
            click.echo("the value was not changed; nothing was requeued", err=True)
            sys.exit(_EXIT_NOT_SENT)
        if _report_check(dead_letter, value, settings):
            return value
        if not click.confirm("Edit again?", default=True, err=True):
            sys.exit(_EXIT_NOT_SENT)


def _report_check(dead_letter: DeadLetter, value: bytes, settings: Settings) -> bool:
    """Validate ``value`` and print the result; returns whether it is valid."""
    check = check_edited_value(dead_letter, value, settings, now_ms=system_clock.now_ms())
    before = "no value" if dead_letter.value is None else f"{len(dead_letter.value)} bytes"
    size = "unchanged" if value == dead_letter.value else f"{before} before, {len(value)} bytes now"
    click.echo(f"{dead_letter.record_id}, {dead_letter.code}: {size}")
    for problem in check.problems:
        click.echo(escape_invisible(f"not valid: {problem}"))
    if not check.problems:
        counts = ((check.articles, "article"), (check.takedowns, "takedown"))
        names = [f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in counts if number]
        click.echo(f"valid: {' and '.join(names)}")
    return not check.problems


def _requeue(reader: RejectedTopicReader, dead_letter: DeadLetter, value: bytes, *, dry_run: bool, ask: bool) -> None:
    if dry_run:
        click.echo("1 dead letter would be requeued")
        return
    if ask and not click.confirm("Requeue it?", err=True):
        sys.exit(_EXIT_NOT_SENT)
    stored = requeue_one(reader, edited_record(dead_letter, value))
    click.echo(f"1 dead letter requeued as {RecordId(stored.topic, stored.partition, stored.offset)}")


# Files and the editor


def _read_value(path: str) -> bytes:
    try:
        with click.open_file(path, "rb") as file:
            value: bytes = file.read(MESSAGE_BYTES_MAX + 1)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; name the file with the value") from error
    if len(value) > MESSAGE_BYTES_MAX:
        raise InputError(f"{path}: larger than {MESSAGE_BYTES_MAX} bytes; no message may be that large")
    return value


@contextlib.contextmanager
def _edit_in_file(dead_letter: DeadLetter) -> Iterator[Path]:
    """Write the value to a file of its own; if it still exists in the end, say how to continue with it."""
    name = f"dead-letter-{dead_letter.record_id.partition}-{dead_letter.record_id.offset}-"
    descriptor, path = tempfile.mkstemp(prefix=name, suffix=".json" if _looks_like_json(dead_letter) else ".txt")
    file = Path(path)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(dead_letter.value or b"")
    try:
        yield file
    finally:
        if file.exists() and _read_edited(file, dead_letter) == (dead_letter.value or b""):
            file.unlink()
        elif file.exists():
            command = f"stream deadletters requeue {dead_letter.record_id.short} --value-file {file}"
            click.echo(f"what you wrote is in {file}; to requeue it, run:\n  {command}", err=True)


def _looks_like_json(dead_letter: DeadLetter) -> bool:
    return (dead_letter.value or b"").lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _open_editor(file: Path) -> None:
    try:
        click.edit(filename=str(file))
    except click.ClickException as error:
        raise click.UsageError(
            f"{error.message.rstrip('.')}; set EDITOR to a command that waits until you are done"
        ) from error


def _read_edited(file: Path, dead_letter: DeadLetter) -> bytes:
    """What the user saved, without the line break that most editors add to the last line."""
    value, before = file.read_bytes(), dead_letter.value or b""
    return value.removesuffix(b"\n") if value.endswith(b"\n") and not before.endswith(b"\n") else value
