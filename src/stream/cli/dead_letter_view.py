"""How dead letters look on a terminal and as JSON, and how ids and times on the command line are parsed."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

import click
import orjson
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import escape_invisible, is_rtl_text, phrase, wrap_lines
from stream.core.timestamps import format_rfc3339, to_epoch_ms
from stream.dead_letters.parsed_dead_letter import DeadLetter, RecordId, source_domains
from stream.errors import REJECTION_CODES

#: How much of a value is shown: characters of text, or bytes if it is not text.
VALUE_CHARS_MAX: Final = 4_000
VALUE_BYTES_MAX: Final = 512
_CELL_CHARS_MAX: Final = 200
_AGE: Final = re.compile(r"(\d{1,9})\s*([smhdw])")
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_BYTES_PER_LINE: Final = 16
#: Columns from which on a row of the table holds the message too.
_WIDE_COLUMNS: Final = 110


# The command line


def parse_time(text: str, now: int) -> int:
    """Parse RFC 3339, or an age such as ``2h``, into milliseconds since 1970.

    Raises:
        UsageError: it is neither.
    """
    age = _AGE.fullmatch(text.strip())
    if age:
        return now - int(age[1]) * _UNIT_MS[age[2]]
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise click.UsageError(
            f"{text!r} is not a time; write it as 2026-05-04T06:00:00Z, or as an age: 30m, 2h, 3d, 1w"
        )
    return to_epoch_ms(parsed)


def parse_record_id(text: str, topic: str) -> RecordId:
    """Parse PARTITION/OFFSET or TOPIC/PARTITION/OFFSET, where TOPIC has to be ``topic``.

    Raises:
        UsageError: it is not an id, or one of another topic.
    """
    *prefix, partition, offset = text.rsplit("/", 2) if text.count("/") > 1 else ("", *text.split("/", 1), "")[:3]
    if not (partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        raise click.UsageError(f"{text!r} is not an id; write PARTITION/OFFSET, as stream deadletters list shows it")
    if prefix not in ([topic], [""]):
        raise click.UsageError(f"{text!r}: dead letters are in {topic}; check STREAM_TOPIC_PREFIX")
    return RecordId(topic, int(partition), int(offset))


# JSON


def as_json(dead_letter: DeadLetter, *, with_content: bool = False) -> dict[str, Any]:
    """The fields of a dead letter; with ``with_content`` also key, headers and value, in base64 if not UTF-8."""
    origin = dead_letter.origin
    fields = {
        "id": str(dead_letter.record_id),
        "time": format_time(dead_letter.time),
        "code": dead_letter.code,
        "message": dead_letter.message,
        "field": dead_letter.field,
        "items": dead_letter.items,
        "stage": dead_letter.stage,
        "origin": {**origin._asdict(), "time": format_time(dead_letter.origin_time)} if origin else None,
        "domains": source_domains(dead_letter.value),
        "attempts": dead_letter.attempts,
        "bytes": len(dead_letter.value or b""),
    }
    if not with_content:
        return fields
    headers = [_encode_content("value", value) | {"name": name} for name, value in dead_letter.headers]
    return {
        **fields,
        **_encode_content("key", dead_letter.key),
        "headers": headers,
        **_encode_content("value", dead_letter.value),
    }


def _encode_content(name: str, value: bytes | None) -> dict[str, str | None]:
    if value is None:
        return {name: None}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}


def format_time(time_ms: int | None) -> str | None:
    """RFC 3339; None if there is no time, or it is outside the calendar."""
    try:
        return None if time_ms is None else format_rfc3339(time_ms)
    except OverflowError:
        return None


# A terminal


def format_count(number: int) -> str:
    """The number with its noun.

    >>> format_count(1), format_count(2)
    ('1 dead letter', '2 dead letters')
    """
    return f"{number} dead letter{'' if number == 1 else 's'}"


def dead_letter_table(dead_letters: Collection[DeadLetter], width: int) -> Table:
    """A table of dead letters; if ``width`` is small, each message is on a line of its own below."""
    if width < _WIDE_COLUMNS:
        return _narrow_table(dead_letters)
    table = Table("id", "time", "code", "source", "message", box=None, pad_edge=False, header_style="dim")
    for column in table.columns[:3]:
        column.no_wrap = True
    for dead_letter in dead_letters:
        table.add_row(dead_letter.record_id.short, *_cells(dead_letter))
    return table


def _narrow_table(dead_letters: Collection[DeadLetter]) -> Table:
    table = Table("id", "time, code, source", box=None, pad_edge=False, header_style="dim")
    table.columns[0].no_wrap = True
    code_width = max((len(dead_letter.code) for dead_letter in dead_letters), default=0)
    for dead_letter in dead_letters:
        time, code, source, message = _cells(dead_letter)
        code.pad_right(code_width - len(code))
        table.add_row(dead_letter.record_id.short, Group(Text("  ").join((time, code, source)), message))
    return table


def _cells(dead_letter: DeadLetter) -> tuple[Text, Text, Text, Text]:
    """Time, code, source and message."""
    source = _source(dead_letter)
    if dead_letter.attempts:
        source += f", requeued {dead_letter.attempts}x"
    return (
        Text((format_time(dead_letter.time) or "?")[:19].replace("T", " ")),
        phrase(escape_invisible(dead_letter.code or "?")),
        phrase(escape_invisible(source)),
        phrase(escape_invisible(dead_letter.message[:_CELL_CHARS_MAX])),
    )


def code_table(codes: Counter[str]) -> Table:
    """The number of dead letters by code, with the meaning of each code."""
    rows = Table("code", "count", "meaning", box=None, pad_edge=False, header_style="dim")
    rows.columns[1].justify = "right"
    for code, number in codes.most_common():
        rows.add_row(phrase(escape_invisible(code or "?")), str(number), REJECTION_CODES.get(code, ""))
    return rows


def _source(dead_letter: DeadLetter) -> str:
    domains = source_domains(dead_letter.value)
    if domains:
        return domains[0] + (f" and {len(domains) - 1} more" if len(domains) > 1 else "")
    return f"{dead_letter.origin.topic}/{dead_letter.origin.partition}" if dead_letter.origin else "?"


def print_dead_letter(out: Console, dead_letter: DeadLetter) -> None:
    """Print everything about one dead letter, for people."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, value in _facts(dead_letter):
        grid.add_row(name, phrase(escape_invisible(value)))
    out.print(grid)
    _print_title(out, "headers")
    for name, header in dead_letter.headers:
        text = "(no value)" if header is None else _shorten(header)
        line = Text.assemble("  ", phrase(escape_invisible(name)), ": ", phrase(escape_invisible(text)))
        out.print(line, soft_wrap=True)
    _print_title(out, "key")
    key = "none" if dead_letter.key is None else phrase(escape_invisible(_shorten(dead_letter.key)))
    out.print(Text.assemble("  ", key), soft_wrap=True)
    _print_value(out, dead_letter)


def _print_value(out: Console, dead_letter: DeadLetter) -> None:
    kind, text, rest = readable_value(dead_letter.value)
    _print_title(out, f"value, {kind}")
    width = out.width if out.is_terminal else None
    for line in wrap_lines(Text(escape_invisible(text)), out, width=width, is_rtl=is_rtl_text(text)):
        out.print(line, soft_wrap=True)
    if rest:
        hint = f"… {rest}; for the whole value: stream deadletters show {dead_letter.record_id.short} --raw"
        out.print(Text(hint, style="dim"), soft_wrap=True)


def _print_title(out: Console, text: str) -> None:
    out.print(Text(text, style="bold"))


def _facts(dead_letter: DeadLetter) -> Iterator[tuple[str, str]]:
    yield "id", str(dead_letter.record_id)
    yield "rejected", f"{format_time(dead_letter.time) or '?'} by {dead_letter.stage or '?'}"
    meaning = REJECTION_CODES.get(dead_letter.code)
    yield "code", (dead_letter.code or "?") + (f": {meaning}" if meaning else "")
    yield "message", dead_letter.message or "?"
    if dead_letter.field:
        yield "field", dead_letter.field
    if dead_letter.items:
        yield "items", dead_letter.items
    if dead_letter.origin:
        yield "came from", f"{dead_letter.origin}, {format_time(dead_letter.origin_time) or 'no time'}"
    made_from = _raw_origin(dead_letter.value) if dead_letter.stage == "deduplicate" else None
    if made_from:
        yield "made from", made_from
    if dead_letter.attempts:
        yield "attempts", f"requeued {dead_letter.attempts} time{'' if dead_letter.attempts == 1 else 's'} before"


def _raw_origin(value: bytes | None) -> str | None:
    """The id of the raw record that a normalized event was made from; None if ``value`` does not name it."""
    try:
        origin = orjson.loads(value or b"")["origin"]
        return "/".join(str(origin[name]) for name in ("topic", "partition", "offset"))
    except (ValueError, KeyError, TypeError):
        return None


def _shorten(value: bytes) -> str:
    text = _encode_content("value", value).get("value")
    text = text if text is not None else "base64 " + base64.b64encode(value).decode()
    return text if len(text) <= _CELL_CHARS_MAX else f"{text[:_CELL_CHARS_MAX]}… ({len(value)} bytes)"


def readable_value(value: bytes | None) -> tuple[str, str, str]:
    """What kind of value it is, its (shortened) text, and how much was cut off, or ""."""
    if value is None:
        return "none", "", ""
    size = f"{len(value)} byte{'' if len(value) == 1 else 's'}"
    try:
        text = value.decode("utf-8-sig")
    except UnicodeDecodeError:
        rest = len(value) - VALUE_BYTES_MAX
        return f"{size}, not UTF-8", _hex_dump(value[:VALUE_BYTES_MAX]), f"{rest} more bytes" if rest > 0 else ""
    kind = "text"
    try:
        text = orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
        kind = "JSON"
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    rest = len(text) - VALUE_CHARS_MAX
    return f"{size} of {kind}", text[:VALUE_CHARS_MAX], f"{rest} more characters" if rest > 0 else ""


def _hex_dump(value: bytes) -> str:
    lines = []
    for start in range(0, len(value), _BYTES_PER_LINE):
        row = value[start : start + _BYTES_PER_LINE]
        ascii_only = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)  # noqa: PLR2004 - ASCII
        lines.append(f"{start:08x}  {row.hex(' '):<{3 * _BYTES_PER_LINE}} {ascii_only}")
    return "\n".join(lines)
