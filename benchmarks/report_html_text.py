"""Reading HTML: pages a second and mean token F1 of the text, beside trafilatura used directly in the same run."""

from __future__ import annotations

import gzip
import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import trafilatura

from stream.core.contracts.events import Origin, RawEvent
from stream.core.normalize import Arrival, normalize
from stream.core.normalize.html import read_page

FIXTURES = Path(__file__).parent.parent / "tests" / "cases" / "html_pages.jsonl"
ROUNDS = 5
ARRIVAL = Arrival("0" * 32, Origin(topic="articles.raw", partition=0, offset=0), None, 0)
_TOKEN = re.compile(r"\w+")

Reader = Callable[[str], str]
Pages = list[tuple[str, str]]


def run(data: Path | None) -> None:
    """One line a reader, on the pages in ``data``/html, else on those that the tests are made of.

    ``index.jsonl`` there names each page's file (gzip) and the gold text of its article.
    """
    folder = data / "html" if data is not None else None
    if folder is not None and (folder / "index.jsonl").is_file():
        pages = _real(folder)
    else:
        pages = _written()
        print("no folder html with an index.jsonl: these are the short pages of the project's own tests")
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    readers: dict[str, Reader] = {
        "normalize, the whole step": lambda html: normalize(RawEvent(id="page", html=html), ARRIVAL).text,
        "read_page, text and metadata": lambda html: read_page(html).text,
        "trafilatura, text alone": partial(_trafilatura, fast=False),
        "trafilatura, text alone, fast": partial(_trafilatura, fast=True),
    }
    best, texts = _measure(pages, readers)
    size = sum(len(html) for html, _ in pages) / len(pages) / 1_000
    print(f"{len(pages)} pages of {size:.0f} k characters; CPU time, best of {ROUNDS} rounds")
    for name in readers:
        scores = [token_f1(text, gold) for text, (_, gold) in zip(texts[name], pages, strict=True)]
        rate = len(pages) / best[name]
        print(f"{name:32} {rate:7.0f} pages/s  F1 mean {sum(scores) / len(scores):.4f}, least {min(scores):.4f}")


def token_f1(text: str, gold: str) -> float:
    """The harmonic mean of precision and recall of the words of ``text`` against those of ``gold``, as multisets."""
    said, wanted = Counter(_TOKEN.findall(text)), Counter(_TOKEN.findall(gold))
    if not said and not wanted:
        return 1.0
    return 2 * (said & wanted).total() / (said.total() + wanted.total())


def _measure(pages: Pages, readers: dict[str, Reader]) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Seconds of the best round of each reader, rounds interleaved, and the texts it read."""
    texts: dict[str, list[str]] = {}
    best = dict.fromkeys(readers, float("inf"))
    for _ in range(ROUNDS):
        for name, read in readers.items():
            start = time.process_time()
            texts[name] = [read(html) for html, _ in pages]
            best[name] = min(best[name], time.process_time() - start)
    return best, texts


def _trafilatura(html: str, *, fast: bool) -> str:
    return trafilatura.extract(html, fast=fast, include_comments=False, include_tables=False) or ""


def _real(folder: Path) -> Pages:
    rows: list[dict[str, Any]] = [orjson.loads(line) for line in (folder / "index.jsonl").read_bytes().splitlines()]
    return [
        (gzip.decompress((folder / row["file"]).read_bytes()).decode("utf-8", "replace"), row["gold_text"])
        for row in rows
    ]


def _written() -> Pages:
    rows: list[dict[str, Any]] = [orjson.loads(line) for line in FIXTURES.read_bytes().splitlines()]
    return [(row["html"], row["text"]) for row in rows if "text" in row]
