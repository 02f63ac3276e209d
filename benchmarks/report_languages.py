"""How often the language is right, on bodies and on titles alone, what is mistaken for what, and what it costs."""

from __future__ import annotations

import gzip
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from stream.core.normalize.language import detect, primary_language

CORPORA: Final = ("arabic_news.jsonl.gz", "english_news.jsonl.gz", "other_news.jsonl.gz")
PAIRS: Final = {"en": "labelled/telegram_same_event_en.jsonl", "ru": "labelled/telegram_same_event_ru.jsonl"}
SENTENCES: Final = Path(__file__).parent.parent / "tests" / "cases" / "languages.jsonl"
CONFIDENCES: Final = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
CONFUSIONS_SHOWN: Final = 40
TIMED: Final = 300
RUNS: Final = 5
#: What py3langid is given, as it reads every byte: no more than `detect` looks at.
DIRECT_CHARS: Final = 320

Classify = Callable[[str], tuple[str, float]]


class Row(NamedTuple):
    """An article whose language is known."""

    language: str
    title: str
    body: str


def run(data: Path | None) -> None:
    """Print the tables for the corpora in a folder, or for the tests' own sentences where there are none."""
    rows = list(_rows(data)) if data is not None else []
    rows = rows or list(_sentences())
    direct = _direct()
    for name, texts in (("bodies", [(row.language, row.body) for row in rows]), ("titles", _titles(rows))):
        _report(name, [(language, text) for language, text in texts if text], direct)
    _times(rows, direct)


def _rows(data: Path) -> Iterator[Row]:
    for name in CORPORA:
        if (data / name).is_file():
            with gzip.open(data / name) as file:
                yield from (_row(row["lang"], row) for row in map(orjson.loads, file) if row.get("lang"))
    for language, name in PAIRS.items():
        if (data / name).is_file():
            pairs = map(orjson.loads, (data / name).read_bytes().splitlines())
            yield from (_row(language, pair[side]) for pair in pairs for side in "ab")


def _row(language: str, article: dict[str, Any]) -> Row:
    return Row(language, (article.get("title") or "").strip(), (article.get("text") or "").strip())


def _sentences() -> Iterator[Row]:
    for case in map(orjson.loads, SENTENCES.read_bytes().splitlines()):
        yield Row(primary_language(case["tag"]), "", case["text"])


def _titles(rows: Iterable[Row]) -> list[tuple[str, str]]:
    return [(row.language, row.title) for row in rows]


def _direct() -> Classify:
    classify: Classify = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True).classify
    return lambda text: classify(text[:DIRECT_CHARS].lower())


def _ours(text: str) -> tuple[str, float]:
    found = detect(text, None)
    return primary_language(found.tag), found.confidence


def _report(name: str, texts: list[tuple[str, str]], direct: Classify) -> None:
    if not texts:
        return
    found = [(language, *_ours(text)) for language, text in texts]
    all_of = Counter(language for language, _ in texts)
    right = Counter(language for language, tag, _ in found if tag == language)
    theirs = Counter(language for language, text in texts if direct(text)[0] == language)
    ours, direct_share = right.total() / all_of.total(), theirs.total() / all_of.total()
    print(f"{name}: {ours:.2%} of {all_of.total()} right; py3langid {direct_share:.2%}")
    for language, count in sorted(all_of.items()):
        share = right[language] / count
        print(f"  {language:4} {right[language]:6}/{count:<6} {share:7.2%}   py3langid {theirs[language] / count:7.2%}")
    confused = Counter((language, tag) for language, tag, _ in found if tag != language)
    print("  mistaken:", ", ".join(f"{a} for {b} {n}" for (b, a), n in confused.most_common(CONFUSIONS_SHOWN)))
    _calibration(found)


def _calibration(found: list[tuple[str, str, float]]) -> None:
    bins: dict[float, list[bool]] = defaultdict(list)
    for language, tag, confidence in found:
        bins[max(low for low in CONFIDENCES if low <= confidence)].append(language == tag)
    for low, hits in sorted(bins.items()):
        print(f"  confidence from {low:4}: {len(hits):6} texts, {sum(hits) / len(hits):7.2%} right")


def _times(rows: list[Row], direct: Classify) -> None:
    texts = defaultdict(list)
    for row in rows:
        texts[row.language].append(f"{row.title}\n{row.body}" if row.title else row.body)
    print("us a call: detect, py3langid")
    for language, known in sorted(texts.items()):
        sample = known[:TIMED]
        print(f"  {language:4} {_microseconds(_ours, sample):7.1f} {_microseconds(direct, sample):7.1f}")


def _microseconds(classify: Classify, texts: list[str]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        started = time.process_time()
        for text in texts:
            classify(text)
        best = min(best, time.process_time() - started)
    return best / len(texts) * 1e6
