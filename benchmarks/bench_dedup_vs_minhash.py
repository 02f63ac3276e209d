"""The duplicate decision compared with MinHash LSH by datasketch and rensa: same articles, same folding, same run.

MinHash (Broder 1997) with 128 permutations over word 3-shingles of folded tokens, banded at a threshold of Jaccard
similarity; candidates count as duplicates if their estimated similarity reaches it. Both get the hashes of this
project's folding; datasketch is measured again with its own hash function, SHA-1. Both keep everything in memory, and
store nothing but these signatures.
"""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec
import numpy as np
import orjson
from datasketch import MinHash, MinHashLSH
from rensa import RMinHash, RMinHashLSH

from benchmarks.dedup_support import MIB, decide_all, normalize_all, resident_bytes, run_in_process
from benchmarks.synthetic_index import WINDOW_MS
from stream.core.contracts.events import NormalizedEvent
from stream.core.dedup.array_sets import shingle_hashes
from stream.core.folding import tokenize_all
from stream.core.folding.hashing import Hashes, mix
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.state.rocksdb_store import RocksStore

PERMUTATIONS: Final = 128
SHINGLE: Final = 3
#: Articles folded together, as many as `stream.core.dedup.fingerprint` takes.
FOLDED_TOGETHER: Final = 24
#: rensa's bands have equal sizes; these are steepest near the threshold.
RENSA_BANDS: Final = {0.5: 32, 0.7: 16}
ROUNDS: Final = 2
_LOW_32: Final = np.uint64(0xFFFFFFFF)


class Rival:
    """An LSH index, and the signatures in it. Texts are given as the hashes of their shingles."""

    def __init__(self, lsh: Any, sign: Callable[[Hashes], Any], threshold: float) -> None:
        self._lsh = lsh
        self._sign = sign
        self._threshold = threshold
        self._signatures: dict[int, Any] = {}

    def similar(self, shingles: Hashes, *, key: int | None = None) -> list[int]:
        """The keys of the texts that one is similar to; with a ``key`` it is then remembered too."""
        signature = self._sign(shingles)
        signatures, threshold = self._signatures, self._threshold
        similar = [near for near in self._lsh.query(signature) if signatures[near].jaccard(signature) >= threshold]
        if key is not None:
            signatures[key] = signature
            self._lsh.insert(key, signature)
        return similar


def _datasketch(threshold: float) -> Rival:
    empty = MinHash(num_perm=PERMUTATIONS, hashfunc=int)
    return _with_datasketch(threshold, empty, lambda shingles: (shingles & _LOW_32).tolist())


def _datasketch_alone(threshold: float) -> Rival:
    return _with_datasketch(threshold, MinHash(num_perm=PERMUTATIONS), _as_bytes)


def _with_datasketch(threshold: float, empty: Any, to_list: Callable[[Hashes], list[Any]]) -> Rival:
    def sign(shingles: Hashes) -> Any:
        signature = empty.copy()  # shares the permutations, which take long to make
        if len(shingles):
            signature.update_batch(to_list(shingles))
        return signature

    return Rival(MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS), sign, threshold)


def _rensa(threshold: float) -> Rival:
    def sign(shingles: Hashes) -> Any:
        signature = RMinHash(PERMUTATIONS, 1)
        signature.update(_as_bytes(shingles))
        return signature

    return Rival(RMinHashLSH(threshold, PERMUTATIONS, RENSA_BANDS[threshold]), sign, threshold)


def _as_bytes(shingles: Hashes) -> list[bytes]:
    return cast("list[bytes]", shingles.view("V8").tolist())


class Pair(NamedTuple):
    """Two articles, and whether people or their publisher say that they are versions of one."""

    first: NormalizedEvent
    second: NormalizedEvent
    are_alike: bool


class PairSet(NamedTuple):
    """Labelled pairs. ``is_crossed``: of different pairs, the first and the second are not alike."""

    name: str
    pairs: list[Pair]
    is_crossed: bool = False


class Count(NamedTuple):
    """Of pairs: alike and linked, alike, linked, compared."""

    right: int
    alike: int
    linked: int
    pairs: int

    def __str__(self) -> str:
        if not self.alike:
            return f"{self.linked} of {self.pairs} wrong"
        precision, recall = self.right / max(1, self.linked), self.right / self.alike
        f1 = 2 * self.right / (self.linked + self.alike)
        return f"{precision:.3f} {recall:.3f} {f1:.3f}, {self.linked - self.right} wrong"


class Speed(NamedTuple):
    """A stream of articles looked up and stored: CPU seconds, bytes of memory, and how many were linked to others."""

    articles: int
    cpu: float
    resident: int
    linked: int


RIVALS: Final[dict[str, Callable[[], Rival]]] = {
    "datasketch 0.5": partial(_datasketch, 0.5),
    "datasketch 0.7": partial(_datasketch, 0.7),
    "datasketch SHA-1": partial(_datasketch_alone, 0.5),
    "rensa 0.5": partial(_rensa, 0.5),
    "rensa 0.7": partial(_rensa, 0.7),
}


def run(corpus: Path, articles: Sequence[NormalizedEvent], scratch: Path) -> None:
    """Print speed and memory of ours and of each rival on ``articles``, and the quality on labelled pairs."""
    speeds = {"ours": run_in_process(partial(_measure_ours, articles, scratch / "beside-rivals"))}
    speeds |= {name: run_in_process(partial(_measure_rival, make, articles)) for name, make in RIVALS.items()}
    folding = run_in_process(partial(_time_folding, articles))
    print(f"\n{len(articles)} articles as a stream; folding and hashing alone: {1e6 * folding:.0f} µs an article")
    print(f"{'':16} {'articles/CPU s':>15} {'of ours':>8} {'memory':>10} {'linked':>8}")
    for name, speed in speeds.items():
        rate, ratio = speed.articles / speed.cpu, speeds["ours"].cpu / speed.cpu
        print(f"{name:16} {rate:15,.0f} {ratio:8.2f} {speed.resident / MIB:6.0f} MiB {speed.linked:8}")
    sets = list(_read_pair_sets(corpus.parent / "labelled"))
    if not sets:
        return
    linking: dict[str, Callable[[PairSet], Count]] = {"ours": _count_ours}
    linking.update({name: partial(_count_rival, make) for name, make in RIVALS.items()})
    print("\nprecision, recall and F1 on labelled pairs; in ant_truncated every teaser may be linked to every article")
    print(f"{'':16} " + " ".join(f"{pair_set.name:>29}" for pair_set in sets))
    for name, link in linking.items():
        print(f"{name:16} " + " ".join(f"{link(pair_set)!s:>29}" for pair_set in sets))


def shingles(texts: Sequence[str]) -> Iterator[Hashes]:
    """Of each text, the hashes of its shingles of `SHINGLE` folded tokens; of a shorter text, one of all."""
    for start in range(0, len(texts), FOLDED_TOGETHER):
        batch = tokenize_all(texts[start : start + FOLDED_TOGETHER])
        bounds = batch.bounds.tolist()
        for begin, end in pairwise(bounds):
            yield mix(shingle_hashes(batch.tokens.hashes[begin:end], min(SHINGLE, end - begin)))


def _measure_ours(articles: Sequence[NormalizedEvent], path: Path) -> Speed:
    gc.freeze()
    before, passes = resident_bytes(), []
    for number in range(ROUNDS):
        shutil.rmtree(path, ignore_errors=True)
        index = PartitionIndex(RocksStore(path), window_ms=WINDOW_MS)
        passes.append(decide_all(index, articles))
        if not number:
            resident = resident_bytes() - before
        index.close()
    linked = sum(event.duplicate.relation != "new" for event in passes[0].recorded)
    return Speed(len(articles), min(result.cpu for result in passes), resident, linked)


def _measure_rival(make: Callable[[], Rival], articles: Sequence[NormalizedEvent]) -> Speed:
    gc.freeze()
    before, seconds = resident_bytes(), []
    for number in range(ROUNDS):
        rival, linked, started = make(), 0, time.process_time()
        for key, hashes in enumerate(shingles([article.text for article in articles])):
            linked += bool(rival.similar(hashes, key=key))
        seconds.append(time.process_time() - started)
        if not number:
            resident = resident_bytes() - before
    return Speed(len(articles), min(seconds), resident, linked)


def _time_folding(articles: Sequence[NormalizedEvent]) -> float:
    """CPU seconds for one article."""
    texts, seconds = [article.text for article in articles], []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in shingles(texts):
            pass
        seconds.append(time.process_time() - started)
    return min(seconds) / len(texts)


def _read_pair_sets(folder: Path) -> Iterator[PairSet]:
    files: list[tuple[str, str, Callable[[dict[str, Any]], bool | None]]] = [
        ("english_hand", "en", lambda row: None if row["is_duplicate"] is None else bool(row["is_duplicate"])),
        ("ant_truncated", "ar", lambda _: True),
        ("ant_updates", "ar", lambda _: True),
        ("telegram_same_event_en", "en", lambda row: None if row["label"] else False),
        ("telegram_same_event_ru", "ru", lambda row: None if row["label"] else False),
    ]
    for name, language, label in files:
        path = folder / f"{name}.jsonl"
        if path.is_file():
            lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
            labelled = [(row, alike) for row in lines if (alike := label(row)) is not None]
            pairs = [_pair(row, alike, number, language) for number, (row, alike) in enumerate(labelled)]
            yield PairSet(name.replace("_same_event", ""), pairs, is_crossed=name == "ant_truncated")


def _pair(row: dict[str, Any], are_alike: bool, number: int, language: str) -> Pair:
    """Normalize the articles of a row without URLs, which would show which of them belong together."""
    articles = (
        [row["a"], row["b"]]
        if "a" in row
        else [{"text": row["long"], "source": row["source"]}, {"text": row["short"], "source": row["source"]}]
    )
    events = [
        {"id": f"{number}-{i}", "title": article.get("title"), "text": article["text"], "source": article.get("source")}
        for i, article in enumerate(articles)
    ]
    first, second = normalize_all(events, language)
    return Pair(first, second, are_alike)


def _count_ours(pair_set: PairSet) -> Count:
    """Ours links what it puts into one cluster. Pairs that are not crossed have a tenant, and so a scope, each."""
    index = PartitionIndex(MemoryStore(), window_ms=WINDOW_MS)
    articles = [
        msgspec.structs.replace(
            article, tenant="all" if pair_set.is_crossed else f"t{number}", event_id=f"{event:032x}"
        )
        for event, (number, article) in enumerate(_in_order(pair_set.pairs))
    ]
    clusters = [event.duplicate.cluster_id for event in decide_all(index, articles).recorded]
    firsts: dict[str, list[int]] = {}
    for number, cluster in enumerate(clusters[: len(pair_set.pairs)]):
        firsts.setdefault(cluster, []).append(number)
    return _count_links(pair_set, [firsts.get(cluster, []) for cluster in clusters[len(pair_set.pairs) :]])


def _in_order(pairs: Sequence[Pair]) -> Iterator[tuple[int, NormalizedEvent]]:
    yield from ((number, pair.first) for number, pair in enumerate(pairs))
    yield from ((number, pair.second) for number, pair in enumerate(pairs))


def _count_rival(make: Callable[[], Rival], pair_set: PairSet) -> Count:
    rival = make()
    for number, hashes in enumerate(shingles([pair.first.text for pair in pair_set.pairs])):
        rival.similar(hashes, key=number)
    return _count_links(
        pair_set, [rival.similar(hashes) for hashes in shingles([pair.second.text for pair in pair_set.pairs])]
    )


def _count_links(pair_set: PairSet, links: Iterable[Sequence[int]]) -> Count:
    """``links``: for each second article, the pairs whose first one it was linked to."""
    right = linked = 0
    for number, (pair, numbers) in enumerate(zip(pair_set.pairs, links, strict=True)):
        is_linked = number in numbers
        right += is_linked and pair.are_alike
        linked += len(numbers) if pair_set.is_crossed else is_linked
    alike = sum(pair.are_alike for pair in pair_set.pairs)
    pairs = len(pair_set.pairs) ** 2 if pair_set.is_crossed else len(pair_set.pairs)
    return Count(right, alike, linked, pairs)
