"""Language detection: accuracy on bodies and on titles, the confusions, the calibration, and the time per call."""

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
PAIR_FILES: Final = {"en": "labelled/telegram_same_event_en.jsonl", "ru": "labelled/telegram_same_event_ru.jsonl"}
SENTENCES: Final = Path(__file__).parent.parent / "tests" / "cases" / "languages.jsonl"
CONFIDENCES: Final = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
CONFUSIONS_SHOWN: Final = 40
TIMED_TEXTS: Final = 300
RUNS: Final = 5
#: The characters that py3langid gets, since it reads every byte: no more than `detect` looks at.
LANGID_CHARS: Final = 320

Classify = Callable[[str], tuple[str, float]]


class Row(NamedTuple):
    """An article whose language is known."""

    language: str
    title: str
    body: str


def run(data: Path | None) -> None:
    """Print the tables for the corpora in the folder ``data``; without corpora, for the sentences of the tests."""
    rows = list(_read_corpora(data)) if data is not None else []
    rows = rows or list(_read_sentences())
    langid = _load_langid()
    for name, texts in (("bodies", [(row.language, row.body) for row in rows]), ("titles", _titles(rows))):
        _report(name, [(language, text) for language, text in texts if text], langid)
    _report_times(rows, langid)


def _read_corpora(data: Path) -> Iterator[Row]:
    for name in CORPORA:
        if (data / name).is_file():
            with gzip.open(data / name) as file:
                yield from (_row(row["lang"], row) for row in map(orjson.loads, file) if row.get("lang"))
    for language, name in PAIR_FILES.items():
        if (data / name).is_file():
            pairs = map(orjson.loads, (data / name).read_bytes().splitlines())
            yield from (_row(language, pair[side]) for pair in pairs for side in "ab")


def _row(language: str, article: dict[str, Any]) -> Row:
    return Row(language, (article.get("title") or "").strip(), (article.get("text") or "").strip())


def _read_sentences() -> Iterator[Row]:
    for case in map(orjson.loads, SENTENCES.read_bytes().splitlines()):
        yield Row(primary_language(case["tag"]), "", case["text"])


def _titles(rows: Iterable[Row]) -> list[tuple[str, str]]:
    return [(row.language, row.title) for row in rows]


def _load_langid() -> Classify:
    classify: Classify = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True).classify
    return lambda text: classify(text[:LANGID_CHARS].lower())


def _detect(text: str) -> tuple[str, float]:
    language = detect(text, None)
    return primary_language(language.tag), language.confidence


def _report(name: str, texts: list[tuple[str, str]], langid: Classify) -> None:
    if not texts:
        return
    results = [(language, *_detect(text)) for language, text in texts]
    totals = Counter(language for language, _ in texts)
    right = Counter(language for language, tag, _ in results if tag == language)
    right_langid = Counter(language for language, text in texts if langid(text)[0] == language)
    total = totals.total()
    print(f"{name}: {right.total() / total:.2%} of {total} right; py3langid {right_langid.total() / total:.2%}")
    for language, count in sorted(totals.items()):
        share, share_langid = right[language] / count, right_langid[language] / count
        print(f"  {language:4} {right[language]:6}/{count:<6} {share:7.2%}   py3langid {share_langid:7.2%}")
    confusions = Counter((language, tag) for language, tag, _ in results if tag != language)
    print("  mistaken:", ", ".join(f"{a} for {b} {n}" for (b, a), n in confusions.most_common(CONFUSIONS_SHOWN)))
    _report_calibration(results)


def _report_calibration(results: list[tuple[str, str, float]]) -> None:
    bins: dict[float, list[bool]] = defaultdict(list)
    for language, tag, confidence in results:
        bins[max(low for low in CONFIDENCES if low <= confidence)].append(language == tag)
    for low, hits in sorted(bins.items()):
        print(f"  confidence from {low:4}: {len(hits):6} texts, {sum(hits) / len(hits):7.2%} right")


def _report_times(rows: list[Row], langid: Classify) -> None:
    texts_by_language = defaultdict(list)
    for row in rows:
        texts_by_language[row.language].append(f"{row.title}\n{row.body}" if row.title else row.body)
    print("microseconds per call: detect, py3langid")
    for language, texts in sorted(texts_by_language.items()):
        sample = texts[:TIMED_TEXTS]
        print(f"  {language:4} {_time_us(_detect, sample):7.1f} {_time_us(langid, sample):7.1f}")


def _time_us(classify: Classify, texts: list[str]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        start = time.process_time()
        for text in texts:
            classify(text)
        best = min(best, time.process_time() - start)
    return best / len(texts) * 1e6
