"""Files as raw messages: JSONL, JSON, text and HTML, plain or gzipped, and folders of them."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from stream.errors import StreamError

STDIN: Final = "-"
_LINES: Final = (".jsonl", ".ndjson", "")
_WHOLE: Final = (".json", ".txt", ".html", ".htm")
#: Of a line, or a file that is one message, no more is read at once: longer ones are rejected anyway, and must not
#: fill the memory.
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024


class InputError(StreamError):
    """A file that cannot be read."""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message as a scraper would send it. ``read``: bytes read so far of ``path``, compressed ones as stored."""

    value: bytes
    path: str
    read: int


def expand(paths: Sequence[str]) -> list[str]:
    """The files behind ``paths``; of folders, in name order, those whose kind is known.

    Raises:
        InputError: a path does not exist, or a folder holds nothing to read.
    """
    files: list[str] = []
    for path in paths:
        if path == STDIN:
            files.append(path)
        elif Path(path).is_dir():
            files += _files_in(Path(path))
        elif Path(path).exists():
            files.append(path)
        else:
            raise InputError(f"{path}: no such file or folder")
    return files


def read_messages(paths: Sequence[str]) -> Iterator[RawMessage]:
    """Every message in the files, in order. Blank lines of JSONL are none.

    Raises:
        InputError: a file cannot be opened, or is damaged.
    """
    for path in paths:
        try:
            if path == STDIN:
                yield from _read(sys.stdin.buffer, sys.stdin.buffer, path, ".jsonl")
            else:
                with Path(path).open("rb") as file:
                    yield from _read(file, _plain(file, path), path, _kind(path))
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: {error}") from error


def _files_in(folder: Path) -> list[str]:
    known = {*_LINES[:-1], *_WHOLE}
    files = [str(file) for file in sorted(folder.rglob("*")) if file.is_file() and _kind(str(file)) in known]
    if not files:
        raise InputError(f"{folder}: no .jsonl, .json, .txt or .html files in it")
    return files


def _kind(path: str) -> str:
    return Path(path.lower().removesuffix(".gz")).suffix


def _plain(file: BinaryIO, path: str) -> BinaryIO:
    if not path.lower().endswith(".gz"):
        return file
    return io.BufferedReader(gzip.GzipFile(fileobj=file), buffer_size=1024 * 1024)


def _read(stored: BinaryIO, plain: BinaryIO, path: str, kind: str) -> Iterator[RawMessage]:
    if kind in _WHOLE:
        value = plain.read(MESSAGE_BYTES_MAX)
        yield RawMessage(_wrapped(value, path, kind), path, stored.tell())
        return
    position = 0
    while line := plain.readline(MESSAGE_BYTES_MAX):
        position += len(line)
        value = line.strip(b"\r\n\t ")
        if value:
            yield RawMessage(value, path, position if plain is stored else stored.tell())


def _wrapped(content: bytes, path: str, kind: str) -> bytes:
    """A text or a page as a raw event known by its path; JSON, and what is not UTF-8, as it stands."""
    if kind == ".json":
        return content
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content
    field = "text" if kind == ".txt" else "html"
    name = Path(path).as_posix().encode("utf-8", "replace").decode()  # file names may be no UTF-8
    return orjson.dumps({"id": name, field: text}) if text.strip() else b""
