"""Articles as arguments of a command: a file, or one of those in a file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import click
import orjson

from stream.cli.input_files import MESSAGE_BYTES_MAX, STDIN, InputError, expand_paths, read_messages
from stream.evaluation.labelled_pairs import RowError, raw_event

_WHOLE: Final = (".txt", ".html", ".htm")


def numbered_lines(path: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a JSONL file, ``.gz`` too, or of standard input; with their numbers, without blank ones.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with cast("BinaryIO", click.open_file(path, "rb")) as stored:
            plain = gzip.GzipFile(fileobj=stored) if path.lower().endswith(".gz") else stored
            number = 0
            while line := plain.readline(MESSAGE_BYTES_MAX):
                number += 1
                if value := line.strip(b"\r\n\t "):
                    yield number, value
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {error}") from error


def article(reference: str) -> dict[str, Any]:
    """The raw event behind ``reference``: FILE, FILE.jsonl:LINE, FILE.jsonl#ID, or - for standard input.

    Raises:
        InputError: there is no such file, or it cannot be read.
        UsageError: it does not tell one article.
    """
    try:
        return raw_event(_value(reference), "stdin" if reference == STDIN else reference)
    except RowError as error:
        raise click.UsageError(f"{reference}: {error.message}") from None


def row(reference: str) -> tuple[bytes, int]:
    """The row behind FILE.jsonl:LINE, and its number.

    Raises:
        InputError: there is no such file, or it cannot be read.
        UsageError: it has no such line.
    """
    path, line, _ = _parts(reference)
    for number, value in numbered_lines(expand_paths([path])[0]) if line else ():
        if str(number) == line:
            return value, number
    raise click.UsageError(f"{reference}: give two articles, or one row of labelled pairs as FILE.jsonl:LINE")


def _value(reference: str) -> Any:
    if reference == STDIN:
        return _from_stdin()
    path, line, name = _parts(reference)
    kind = Path(expand_paths([path])[0].lower().removesuffix(".gz")).suffix
    if kind in _WHOLE:
        (message,) = read_messages([path])
        return _parsed(message.value, path) if message.value else ""
    found = _items(path, kind)
    if line:
        found = [(number, item) for number, item in found if str(number) == line]
    elif name:
        found = [(number, item) for number, item in found if isinstance(item, dict) and str(item.get("id")) == name]
    if not found:
        raise click.UsageError(f"{reference}: there is no such article")
    if len(found) > 1 and not name:
        raise click.UsageError(f"{path} has {len(found)} articles; name one as {path}:LINE or {path}#ID")
    return found[0][1]


def _parts(reference: str) -> tuple[str, str, str]:
    """The path, and the line or the id that is named behind it. A file of that very name counts before both."""
    if Path(reference).exists():
        return reference, "", ""
    path, _, name = reference.partition("#")
    if name and Path(path).exists():
        return path, "", name
    path, _, line = reference.rpartition(":")
    return (path, line, "") if path and line.isdigit() else (reference, "", "")


def _items(path: str, kind: str) -> list[tuple[int, Any]]:
    """The articles in a file, numbered by line, or by place in an array."""
    if kind == ".json":
        values = [_parsed(message.value, path) for message in read_messages([path])]
        items = values[0] if values and isinstance(values[0], list) else values
        return [(number, _published(item)) for number, item in enumerate(items, 1)]
    return [(number, _published(_parsed(value, f"{path}:{number}"))) for number, value in numbered_lines(path)]


def _published(item: Any) -> Any:
    """The event in a line of ``stream process``; anything else as it is."""
    return item["value"] if isinstance(item, dict) and {"topic", "value"} <= item.keys() else item


def _parsed(value: bytes, place: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{place}: not JSON: {error}") from None


def _from_stdin() -> Any:
    """An article in JSON, a page, or a text."""
    with cast("BinaryIO", click.open_file(STDIN, "rb")) as file:
        value = file.read(MESSAGE_BYTES_MAX)
    try:
        return _published(orjson.loads(value))
    except orjson.JSONDecodeError:
        text = value.decode("utf-8-sig", "replace")
    return {"html": text} if text.lstrip().startswith("<") else text
