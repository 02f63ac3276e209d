"""HTML extraction: pages per second and token F1 of the text, compared with trafilatura alone in the same run."""

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
from stream.core.normalize import EventContext, normalize
from stream.core.normalize.html import read_page

FIXTURES = Path(__file__).parent.parent / "tests" / "cases" / "html_pages.jsonl"
ROUNDS = 5
ARRIVAL = EventContext("0" * 32, Origin(topic="articles.raw", partition=0, offset=0), None, 0)
_TOKEN = re.compile(r"\w+")

Reader = Callable[[str], str]
Pages = list[tuple[str, str]]


def run(data: Path | None) -> None:
    """Print a line per reader, for the pages in ``data``/html, else for the pages of the tests.

    ``index.jsonl`` in that folder names the file of each page (gzip) and the gold text of its article.
    """
    folder = data / "html" if data is not None else None
    if folder is not None and (folder / "index.jsonl").is_file():
        pages = _read_pages(folder)
    else:
        pages = _read_test_pages()
        print("no html/index.jsonl in the data folder: these are the short pages of the tests")
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    readers: dict[str, Reader] = {
        "normalize, whole step": lambda html: normalize(RawEvent(id="page", html=html), ARRIVAL).text,
        "read_page, text and metadata": lambda html: read_page(html).text,
        "trafilatura, text only": partial(_extract_directly, fast=False),
        "trafilatura, text only, fast": partial(_extract_directly, fast=True),
    }
    seconds, texts = _measure(pages, readers)
    size = sum(len(html) for html, _ in pages) / len(pages) / 1_000
    print(f"{len(pages)} pages of {size:.0f} k characters; CPU time of the best of {ROUNDS} rounds")
    for name in readers:
        scores = [token_f1(text, gold) for text, (_, gold) in zip(texts[name], pages, strict=True)]
        rate = len(pages) / seconds[name]
        print(f"{name:32} {rate:7.0f} pages/s  F1 mean {sum(scores) / len(scores):.4f}, minimum {min(scores):.4f}")


def token_f1(text: str, gold: str) -> float:
    """Return the F1 of the words of ``text`` against those of ``gold``, as multisets (0 to 1)."""
    actual, expected = Counter(_TOKEN.findall(text)), Counter(_TOKEN.findall(gold))
    if not actual and not expected:
        return 1.0
    return 2 * (actual & expected).total() / (actual.total() + expected.total())


def _measure(pages: Pages, readers: dict[str, Reader]) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Return the seconds of each reader's best round, with rounds interleaved, and the texts that it read."""
    texts: dict[str, list[str]] = {}
    best = dict.fromkeys(readers, float("inf"))
    for _ in range(ROUNDS):
        for name, reader in readers.items():
            start = time.process_time()
            texts[name] = [reader(html) for html, _ in pages]
            best[name] = min(best[name], time.process_time() - start)
    return best, texts


def _extract_directly(html: str, *, fast: bool) -> str:
    return trafilatura.extract(html, fast=fast, include_comments=False, include_tables=False) or ""


def _read_pages(folder: Path) -> Pages:
    rows: list[dict[str, Any]] = [orjson.loads(line) for line in (folder / "index.jsonl").read_bytes().splitlines()]
    return [
        (gzip.decompress((folder / row["file"]).read_bytes()).decode("utf-8", "replace"), row["gold_text"])
        for row in rows
    ]


def _read_test_pages() -> Pages:
    rows: list[dict[str, Any]] = [orjson.loads(line) for line in FIXTURES.read_bytes().splitlines()]
    return [(row["html"], row["text"]) for row in rows if "text" in row]
