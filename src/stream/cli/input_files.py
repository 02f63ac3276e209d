"""Files as raw messages: JSONL, JSON, text and HTML, plain or gzipped, and folders of them."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

import click
import orjson

from stream.cli.file_encoding import decode
from stream.core.normalize.html import read_page_url
from stream.errors import StreamError

STDIN: Final = "-"
_LINE_SUFFIXES: Final = (".jsonl", ".ndjson", "")
#: Files that are wrapped into an event.
_WRAPPED_SUFFIXES: Final = (".txt", ".html", ".htm")
_DOCUMENT_SUFFIXES: Final = (".json", *_WRAPPED_SUFFIXES)
#: At most this much of a line or a document is read: longer messages are rejected anyway, and must not fill the memory.
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
_BUFFER_BYTES: Final = 1024 * 1024


class InputError(StreamError):
    """A file that cannot be read."""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message as a scraper would send it.

    ``line``: its line in ``path``, from 1. ``bytes_read``: how much of ``path`` has been read, as stored on disk.
    """

    value: bytes
    path: str
    line: int
    bytes_read: int


class InputFile(NamedTuple):
    """A file, and its path relative to the argument that named it or its folder: the id of the text in it."""

    path: str
    name: str


def expand_paths(paths: Sequence[str]) -> list[InputFile]:
    """List the files that ``paths`` name; a folder stands for its files of known kinds, sorted by name.

    Raises:
        InputError: A path does not exist, a folder has no file of a known kind, or two texts would have the same id.
    """
    files: list[InputFile] = []
    for path in paths:
        if path == STDIN:
            files.append(InputFile(path, path))
        elif Path(path).is_dir():
            files += _list_folder(Path(path))
        elif Path(path).exists():
            files.append(InputFile(path, Path(path).name))
        else:
            raise InputError(f"{path}: no such file or folder")
    _check_names(files)
    return files


def read_messages(files: Sequence[InputFile]) -> Iterator[RawMessage]:
    """Yield every message in the files, in order. Each non-blank line of a JSONL file is one, and each other file.

    Raises:
        InputError: a file cannot be opened, or is damaged.
    """
    for file in files:
        suffix = uncompressed_suffix(file.path)
        yield from _read_document(file, suffix) if suffix in _DOCUMENT_SUFFIXES else read_lines(file.path)


def read_lines(path: str) -> Iterator[RawMessage]:
    """Yield the non-blank lines of a JSONL file, of a gzipped one, or of standard input.

    Raises:
        InputError: the file cannot be opened, or is damaged.
    """
    with _open(path) as (stored, plain):
        number = position = 0
        while line := plain.readline(MESSAGE_BYTES_MAX):
            number += 1
            position += len(line)
            if value := line.strip(b"\r\n\t "):
                yield RawMessage(value, path, number, position if plain is stored else stored.tell())


def uncompressed_suffix(path: str) -> str:
    """The file's suffix in lower case, without ``.gz``.

    >>> uncompressed_suffix("news/May.JSONL.gz")
    '.jsonl'
    """
    return Path(path.lower().removesuffix(".gz")).suffix


def _check_names(files: Sequence[InputFile]) -> None:
    """Refuse different texts with the same id; pages are read only if they have the same name."""
    by_name: dict[str, set[str]] = {}
    for file in files:
        if uncompressed_suffix(file.path) in _WRAPPED_SUFFIXES:
            by_name.setdefault(file.name, set()).add(file.path)
    for name, paths in by_name.items():
        by_id: dict[str, str] = {}
        for path in sorted(paths) if len(paths) > 1 else ():
            (message,) = read_messages([InputFile(path, name)])
            if _id_of(message.value) and (other := by_id.setdefault(_id_of(message.value), path)) != path:
                raise InputError(
                    f"{other} and {path} would both have the id {_id_of(message.value)}; "
                    "give the folder that both are in instead"
                )


def _id_of(value: bytes) -> str:
    """The id of a wrapped text; the bytes of a text that is not UTF-8 have none."""
    try:
        return str(orjson.loads(value)["id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def _list_folder(folder: Path) -> list[InputFile]:
    suffixes = {*_LINE_SUFFIXES[:-1], *_DOCUMENT_SUFFIXES}
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [
        InputFile(str(path), path.relative_to(folder).as_posix())
        for path in paths
        if uncompressed_suffix(str(path)) in suffixes
    ]
    if not files:
        raise InputError(f"{folder}: no .jsonl, .json, .txt or .html files in it")
    return files


@contextlib.contextmanager
def _open(path: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open the raw file and its decompressed stream; both are the same unless it is gzipped."""
    try:
        with click.open_file(path, "rb") as raw_file:
            stored = cast("BinaryIO", raw_file)
            if path.lower().endswith(".gz"):
                yield stored, io.BufferedReader(gzip.GzipFile(fileobj=stored), buffer_size=_BUFFER_BYTES)
            else:
                yield stored, stored
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {error}") from error


def _read_document(file: InputFile, suffix: str) -> Iterator[RawMessage]:
    with _open(file.path) as (stored, plain):
        content = plain.read(MESSAGE_BYTES_MAX)
        yield RawMessage(_as_event(content, file.name, suffix), file.path, 1, stored.tell())


def _as_event(content: bytes, name: str, suffix: str) -> bytes:
    """Wrap a text or a page into a raw event; JSON, and what cannot be decoded, stays as it is.

    Its id is the URL that the page gives as its own, else ``name``: the file may be anywhere on the machine.
    """
    if suffix == ".json":
        return content
    text = decode(content)
    if text is None:
        return content
    if not text.strip():
        return b""
    field = "text" if suffix == ".txt" else "html"
    page_url = read_page_url(text) if field == "html" else None
    name = name.encode("utf-8", "replace").decode()  # file names need not be UTF-8
    return orjson.dumps({"id": page_url or name, field: text})
