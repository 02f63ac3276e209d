"""Dead letters on a terminal and as JSON, and what on the command line tells which ones are meant."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import is_rtl, phrase, wrapped
from stream.core.timestamps import milliseconds, rfc3339
from stream.dead_letters.dead_letter import DeadLetter, RecordId, domains
from stream.errors import REJECTION_CODES

#: Of a value so many characters are shown, or bytes where it is no text.
VALUE_CHARS_MAX: Final = 4_000
VALUE_BYTES_MAX: Final = 512
_CELL_CHARS_MAX: Final = 200
_AGO: Final = re.compile(r"(\d{1,9})\s*([smhdw])")
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
#: Tab, line feed, and the joiners that Persian and Hindi are written with.
_SHOWN: Final = "\t\n\u200c\u200d"
_BYTES_A_LINE: Final = 16


# The command line


def moment(text: str, now: int) -> int:
    """``text``, RFC 3339 or a time ago such as ``2h``, in milliseconds since 1970.

    Raises:
        UsageError: it is neither.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - int(ago[1]) * _UNIT_MS[ago[2]]
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.UsageError(f"{text!r}: write a time as 2026-05-04T06:00:00Z, or as a time ago: 30m, 2h, 3d, 1w")
    return milliseconds(found)


def place(text: str, topic: str) -> RecordId:
    """The place that an id names, PARTITION/OFFSET or TOPIC/PARTITION/OFFSET.

    Raises:
        UsageError: it is no id, or one of another topic.
    """
    *named, partition, offset = text.rsplit("/", 2) if text.count("/") > 1 else ("", *text.split("/", 1), "")[:3]
    if not (partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        raise click.UsageError(f"{text!r} is no id; write PARTITION/OFFSET, as stream deadletters list shows it")
    if named not in ([topic], [""]):
        raise click.UsageError(f"{text!r}: dead letters are in {topic}; check STREAM_TOPIC_PREFIX")
    return RecordId(topic, int(partition), int(offset))


# JSON


def as_json(letter: DeadLetter, *, whole: bool = False) -> dict[str, Any]:
    """What a letter tells; ``whole``: the original too, as text, or in base64 where it is not UTF-8."""
    origin = letter.origin
    told = {
        "id": str(letter.place),
        "time": when(letter.time),
        "code": letter.code,
        "message": letter.message,
        "field": letter.field,
        "items": letter.items,
        "stage": letter.stage,
        "origin": {**origin._asdict(), "time": when(letter.origin_time)} if origin else None,
        "domains": domains(letter.value),
        "attempts": letter.attempts,
        "bytes": len(letter.value or b""),
    }
    if not whole:
        return told
    headers = [_content("value", value) | {"name": name} for name, value in letter.headers]
    return {**told, **_content("key", letter.key), "headers": headers, **_content("value", letter.value)}


def _content(name: str, value: bytes | None) -> dict[str, str | None]:
    if value is None:
        return {name: None}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}


def when(time: int | None) -> str | None:
    """RFC 3339 of a time that may be none, or outside the calendar."""
    try:
        return None if time is None else rfc3339(time)
    except OverflowError:
        return None


# A terminal


def table(letters: Iterable[DeadLetter]) -> Table:
    """One row a letter."""
    made = Table("id", "time", "code", "source", "attempts", "message", box=None, pad_edge=False, header_style="dim")
    made.columns[0].no_wrap = made.columns[1].no_wrap = made.columns[2].no_wrap = True
    made.columns[4].justify = "right"
    for letter in letters:
        made.add_row(
            letter.place.short,
            (when(letter.time) or "?")[:19].replace("T", " "),
            phrase(visible(letter.code or "?")),
            phrase(visible(_source(letter))),
            str(letter.attempts or ""),
            phrase(visible(letter.message[:_CELL_CHARS_MAX])),
        )
    return made


def counts(codes: Counter[str]) -> Table:
    """How many letters of each code, and what it means."""
    made = Table("code", "letters", "", box=None, pad_edge=False, header_style="dim")
    made.columns[1].justify = "right"
    for code, count in codes.most_common():
        made.add_row(phrase(visible(code or "?")), str(count), REJECTION_CODES.get(code, ""))
    return made


def _source(letter: DeadLetter) -> str:
    found = domains(letter.value)
    if found:
        return found[0] + (f" and {len(found) - 1} more" if len(found) > 1 else "")
    return f"{letter.origin.topic}/{letter.origin.partition}" if letter.origin else "?"


def visible(text: str) -> str:
    """``text`` with what a terminal would obey, or nobody would see, written as escapes."""
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char) in _HIDDEN and char not in _SHOWN else char for char in text
    )


def show(out: Console, letter: DeadLetter) -> None:
    """Everything about one letter, for people."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, value in _facts(letter):
        grid.add_row(name, phrase(visible(value)))
    out.print(grid)
    _title(out, "headers")
    for name, header in letter.headers:
        text = "(no value)" if header is None else _short(header)
        out.print(Text.assemble("  ", phrase(visible(name)), ": ", phrase(visible(text))), soft_wrap=True)
    _title(out, "key")
    out.print(
        Text.assemble("  ", "none" if letter.key is None else phrase(visible(_short(letter.key)))), soft_wrap=True
    )
    kind, text, rest = readable(letter.value)
    _title(out, f"value, {kind}")
    for line in wrapped(Text(visible(text)), out, width=out.width if out.is_terminal else None, rtl=is_rtl(text)):
        out.print(line, soft_wrap=True)
    if rest:
        out.print(
            Text(f"… {rest}; all of it, as it came: stream deadletters show {letter.place.short} --raw", style="dim"),
            soft_wrap=True,
        )


def _title(out: Console, text: str) -> None:
    out.print(Text(text, style="bold"))


def _facts(letter: DeadLetter) -> Iterator[tuple[str, str]]:
    yield "id", str(letter.place)
    yield "rejected", f"{when(letter.time) or '?'} by {letter.stage or '?'}"
    meaning = REJECTION_CODES.get(letter.code)
    yield "code", (letter.code or "?") + (f": {meaning}" if meaning else "")
    yield "message", letter.message or "?"
    if letter.field:
        yield "field", letter.field
    if letter.items:
        yield "items", letter.items
    if letter.origin:
        yield "came from", f"{letter.origin}, {when(letter.origin_time) or 'no time'}"
    made_from = _made_from(letter.value) if letter.stage == "deduplicate" else None
    if made_from:
        yield "made from", made_from
    if letter.attempts:
        yield "attempts", f"{letter.attempts}, put back so often before"


def _made_from(value: bytes | None) -> str | None:
    """The raw message that a normalized event was made from."""
    try:
        origin = orjson.loads(value or b"")["origin"]
        return "/".join(str(origin[name]) for name in ("topic", "partition", "offset"))
    except (ValueError, KeyError, TypeError):
        return None


def _short(value: bytes) -> str:
    text = _content("value", value).get("value")
    shown = text if text is not None else "base64 " + base64.b64encode(value).decode()
    return shown if len(shown) <= _CELL_CHARS_MAX else f"{shown[:_CELL_CHARS_MAX]}… ({len(value)} bytes)"


def readable(value: bytes | None) -> tuple[str, str, str]:
    """What a value is, as people read it, and what was left out of it, if anything was."""
    if value is None:
        return "none", "", ""
    try:
        text = value.decode("utf-8-sig")
    except UnicodeDecodeError:
        rest = len(value) - VALUE_BYTES_MAX
        return (
            f"{len(value)} bytes, not UTF-8",
            _dump(value[:VALUE_BYTES_MAX]),
            f"{rest} more bytes" if rest > 0 else "",
        )
    kind = "text"
    try:
        text = orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
        kind = "JSON"
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    rest = len(text) - VALUE_CHARS_MAX
    return f"{len(value)} bytes of {kind}", text[:VALUE_CHARS_MAX], f"{rest} more characters" if rest > 0 else ""


def _dump(value: bytes) -> str:
    lines = []
    for start in range(0, len(value), _BYTES_A_LINE):
        row = value[start : start + _BYTES_A_LINE]
        ascii_only = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)  # noqa: PLR2004 - ASCII
        lines.append(f"{start:08x}  {row.hex(' '):<{3 * _BYTES_A_LINE}} {ascii_only}")
    return "\n".join(lines)
