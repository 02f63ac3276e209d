"""Folding: whether other spellings of real articles fold to the same tokens, and how long folding takes.

For comparison, what a program without tables of its own would do: NFKC, `str.translate` and case folding, one after
the other. That folds less, and yields no tokens.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from tests.support.spelling_variants import variant

from benchmarks.corpus import rows
from stream.core.folding import _fold, tokenize
from stream.core.folding.tables import Codes, tables

_Input = TypeVar("_Input")
ARTICLE_CHARS: Final = 2_000
ROUNDS: Final = 9
CALLS: Final = 200
SHOWN: Final = 5
SAMPLE: Final = 300
NAIVE: Final = {ord(variant): base for variant, base in zip("أإآٱىةکی", "اااايهكي", strict=True)} | dict.fromkeys(
    (0x0640, *range(0x064B, 0x0660))
)


def run(corpus: Path, _articles: int = 0) -> None:
    """Print how many articles have the same tokens as their variants, and the time for one article in microseconds."""
    texts = [row["text"] for row in rows(corpus) if row.get("text")]
    _count_equal(texts)
    started = time.process_time()
    tables.__wrapped__()
    print(f"tables built in {1e3 * (time.process_time() - started):.0f} ms, once per process")
    article = next((text for text in texts if len(text) >= ARTICLE_CHARS), texts[0] * ARTICLE_CHARS)[:ARTICLE_CHARS]
    naive = _microseconds(_naive, article)
    for name, work, text in (
        ("NFKC, translate, casefold", _naive, article),
        ("fold", _fold_alone, article),
        ("fold, with one ligature", _fold_alone, f"{article[:-1]}ﷺ"),
        ("fold, with one mark that composes", _fold_alone, f"{article[:-2]}и\u0306"),
        ("fold and hash into tokens", tokenize, article),
    ):
        time_us = _microseconds(work, text)
        print(f"{name:34} {time_us:7.1f} µs for {len(text)} characters, {time_us / naive:.2f} times the first")
    sample = texts[:: max(1, len(texts) // SAMPLE)]
    characters = sum(map(len, sample))
    time_us = _microseconds(lambda many: [_fold_alone(text) for text in many], sample, calls=1)
    print(f"{'fold, a sample of all articles':34} {time_us / characters * ARTICLE_CHARS:7.1f} µs for {ARTICLE_CHARS}")


def _count_equal(texts: list[str]) -> None:
    differing = [number for number, text in enumerate(texts) if not _have_equal_tokens(text, variant(text, number))]
    print(f"{len(texts) - len(differing)} of {len(texts)} articles fold to the tokens of their variant")
    for number in differing[:SHOWN]:
        print(f"  article {number} differs")


def _have_equal_tokens(text: str, variant_text: str) -> bool:
    return np.array_equal(tokenize(text).hashes, tokenize(variant_text).hashes)


def _fold_alone(text: str) -> Codes:
    return _fold([text])


def _naive(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(NAIVE).casefold()


def _microseconds(work: Callable[[_Input], object], value: _Input, calls: int = CALLS) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(calls):
            work(value)
        best = min(best, time.process_time() - started)
    return 1e6 * best / calls
