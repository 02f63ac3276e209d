"""Articles as arguments of a command: a file, or one article in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import click
import orjson

from stream.cli.input_files import (
    MESSAGE_BYTES_MAX,
    STDIN,
    expand_paths,
    read_lines,
    read_messages,
    uncompressed_suffix,
)
from stream.evaluation.labelled_pairs import RowError, raw_event

_DOCUMENT_SUFFIXES: Final = (".txt", ".html", ".htm")


def read_article(reference: str) -> dict[str, Any]:
    """Read one article: FILE, FILE.jsonl:LINE, FILE.jsonl#ID, or - for standard input.

    Raises:
        InputError: The file does not exist, or cannot be read.
        UsageError: ``reference`` does not name exactly one article.
    """
    try:
        return raw_event(_read_value(reference), "stdin" if reference == STDIN else reference)
    except RowError as error:
        raise click.UsageError(f"{reference}: {error.message}") from None


def read_row(reference: str) -> tuple[bytes, int]:
    """Read the row at FILE.jsonl:LINE; return it with its line number.

    Raises:
        InputError: The file does not exist, or cannot be read.
        UsageError: It has no such line.
    """
    path, line, _ = _split_reference(reference)
    for message in read_lines(expand_paths([path])[0].path) if line else ():
        if str(message.line) == line:
            return message.value, message.line
    raise click.UsageError(f"{reference}: name two articles, or one row of labelled pairs as FILE.jsonl:LINE")


def _read_value(reference: str) -> Any:
    if reference == STDIN:
        return _read_stdin()
    path, line, article_id = _split_reference(reference)
    suffix = uncompressed_suffix(expand_paths([path])[0].path)
    if suffix in _DOCUMENT_SUFFIXES:
        (message,) = read_messages(expand_paths([path]))
        return _parse(message.value, path) if message.value else ""
    items = list(_read_items(path, suffix))
    if line:
        items = [(number, item) for number, item in items if str(number) == line]
    elif article_id:
        items = [
            (number, item) for number, item in items if isinstance(item, dict) and str(item.get("id")) == article_id
        ]
    if not items:
        raise click.UsageError(f"{reference}: there is no such article in the file")
    if len(items) > 1 and not article_id:
        raise click.UsageError(f"{path} has {len(items)} articles; name one as {path}:LINE or {path}#ID")
    return items[0][1]


def _split_reference(reference: str) -> tuple[str, str, str]:
    """Split into path, line and id. A file with exactly this name takes precedence."""
    if Path(reference).exists():
        return reference, "", ""
    path, _, article_id = reference.partition("#")
    if article_id and Path(path).exists():
        return path, "", article_id
    path, _, line = reference.rpartition(":")
    return (path, line, "") if path and line.isdigit() else (reference, "", "")


def _read_items(path: str, suffix: str) -> Iterator[tuple[int, Any]]:
    """Yield the articles in a file, numbered by line, or by position in an array."""
    if suffix == ".json":
        values = [_parse(message.value, path) for message in read_messages(expand_paths([path]))]
        items = values[0] if values and isinstance(values[0], list) else values
        yield from enumerate(map(_published_value, items), 1)
    else:
        for message in read_lines(path):
            yield message.line, _published_value(_parse(message.value, f"{path}:{message.line}"))


def _published_value(item: Any) -> Any:
    """The event in a line written by ``stream process``; anything else unchanged."""
    return item["value"] if isinstance(item, dict) and {"topic", "value"} <= item.keys() else item


def _parse(value: bytes, location: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{location}: not JSON: {error}") from None


def _read_stdin() -> Any:
    """Read an article in JSON, a page, or a text."""
    with cast("BinaryIO", click.open_file(STDIN, "rb")) as file:
        value = file.read(MESSAGE_BYTES_MAX)
    try:
        return _published_value(orjson.loads(value))
    except orjson.JSONDecodeError:
        text = value.decode("utf-8-sig", "replace")
    return {"html": text} if text.lstrip().startswith("<") else text
