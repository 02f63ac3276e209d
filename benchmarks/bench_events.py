"""Reading and writing events: msgspec on top of orjson against pydantic, in the same run."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import orjson
from pydantic import BaseModel, ConfigDict

from benchmarks.corpus import rows
from stream.core.contracts.events import RawEvent

ROWS = 2_000


class _Source(BaseModel):
    name: str | None = None
    domain: str | None = None


class _Raw(BaseModel):
    model_config = ConfigDict(extra="allow")

    url: str | None = None
    id: str | None = None
    text: str | None = None
    html: str | None = None
    title: str | None = None
    summary: str | None = None
    language: str | None = None
    published_at: str | float | None = None
    fetched_at: str | float | None = None
    authors: list[str] | None = None
    source: _Source | str | None = None
    tags: list[str] | None = None
    extra: dict[str, Any] | None = None


def run(corpus: Path, _articles: int) -> None:
    """Microseconds for one raw event."""
    lines = [orjson.dumps(row) for row in rows(corpus)[:ROWS]]
    typed = [msgspec.convert(orjson.loads(line), RawEvent) for line in lines]
    models = [_Raw.model_validate_json(line) for line in lines]
    cases: list[tuple[str, Callable[[], object]]] = [
        ("orjson.loads alone", lambda: [orjson.loads(line) for line in lines]),
        ("orjson + msgspec.convert", lambda: [msgspec.convert(orjson.loads(line), RawEvent) for line in lines]),
        ("pydantic.model_validate_json", lambda: [_Raw.model_validate_json(line) for line in lines]),
        ("msgspec.to_builtins + orjson", lambda: [orjson.dumps(msgspec.to_builtins(event)) for event in typed]),
        ("pydantic.model_dump_json", lambda: [model.model_dump_json() for model in models]),
    ]
    for name, case in cases:
        best = min(timeit.repeat(case, number=1, repeat=7)) / len(lines)
        print(f"{name:32} {best * 1e6:7.1f} us")
