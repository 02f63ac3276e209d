"""What is remembered of a text: its tokens, and anchors that copies and excerpts of it share."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream.core.dedup.array_sets import shingle_hashes
from stream.core.dedup.fingerprint import (
    CHARACTERS,
    FORMAT,
    NUMBER,
    TITLE_TOKENS_MAX,
    TOKENS_MAX,
    WORDS,
    Fingerprint,
    ShingleParams,
    compute_fingerprint,
    compute_fingerprints,
)
from stream.core.folding import tokenize
from stream.core.folding.hashing import mix

PARAMS = {"words": WORDS, "characters": CHARACTERS}
# What joins tokens so that each stays one.
JOINTS = {"words": " ", "characters": ""}
ALPHABETS = {
    "words": st.text("abcdef", min_size=2, max_size=2) | st.integers(1, 99).map(str),
    "characters": st.sampled_from("新闻今天日本国人民大会零一二三四"),
}
LETTERS = str.maketrans("0123456789", "abcdefghij")
ANY_TEXT = st.text(max_size=40) | st.text("ab 1新ข\0\n", max_size=80)
# Lengths at which texts are no longer folded together, or not all of one is looked at.
LONG_TEXT = st.sampled_from([9_000, 23_990, 24_010, 60_000]).map(lambda count: "ab " * (count // 3))


def many_words(count: int, seed: int = 0) -> str:
    """Return a text of ``count`` words, nearly all different."""
    return " ".join(f"{seed}x{number * 7919 % 100_003}".translate(LETTERS) for number in range(count))


def arrays(result: Fingerprint) -> list[NDArray[np.generic]]:
    """Return its arrays."""
    return [result.sequence, result.title, result.anchors, result.shingles]


def summary(result: Fingerprint) -> list[object]:
    """Return what a change of any stored value would change."""
    stored = [values.astype(f"<u{values.itemsize}").tobytes() for values in arrays(result)]
    digests = [blake2b(value, digest_size=8).hexdigest() for value in stored]
    return [result.text_hash, result.tokens, result.is_spaced, *digests]


def plain(result: Fingerprint) -> list[object]:
    """Return all of it as plain values."""
    return [result.text_hash, result.tokens, result.is_spaced, *((v.dtype, v.tolist()) for v in arrays(result))]


def smallest(values: list[int], window: int) -> set[int]:
    """Return the smallest of each window; of all where there are fewer."""
    width = min(window, len(values))
    return {min(values[start : start + width]) for start in range(len(values) - width + 1)} if values else set()


@pytest.mark.parametrize("name", ["arabic", "english", "chinese", "long", "word"])
def test_known_fingerprints_do_not_change(name: str) -> None:
    """They are stored in indexes: another fingerprint is another format of them."""
    assert summary(compute_fingerprint(*TEXTS[name])) == PINNED[name]


def test_the_format_names_all_that_fingerprints_depend_on() -> None:
    assert FORMAT == "4:w3.4.22.24.12,c5.6.32.24.12,t4096"


@settings(max_examples=50)
@given(st.lists(st.tuples(ANY_TEXT | LONG_TEXT, st.none() | ANY_TEXT), max_size=6))
def test_fingerprints_made_together_are_those_made_one_by_one(articles: list[tuple[str, str | None]]) -> None:
    assert [plain(result) for result in compute_fingerprints(articles)] == [
        plain(compute_fingerprint(*article)) for article in articles
    ]


def test_a_title_does_not_affect_the_fingerprint_of_the_text() -> None:
    with_title, without = (
        compute_fingerprint("新闻今天 one", "two three four 5"),
        compute_fingerprint("新闻今天 one", None),
    )
    assert plain(with_title)[:4] == plain(without)[:4]
    assert (len(with_title.title), len(without.title)) == (4, 0)


def test_the_guaranteed_runs_are_as_long_as_documented() -> None:
    """A run holds a whole window of shingles."""
    assert [params.anchor + params.window - 1 for params in (WORDS, CHARACTERS)] == [25, 37]
    assert [params.anchor + params.opening_window - 1 for params in (WORDS, CHARACTERS)] == [15, 17]
    assert [params.anchor + params.opening - 1 for params in (WORDS, CHARACTERS)] == [27, 29]


@pytest.mark.parametrize("kind", PARAMS)
@given(st.data())
def test_texts_that_share_a_long_run_share_an_anchor(kind: str, data: st.DataObject) -> None:
    params = PARAMS[kind]
    length = params.anchor + params.window - 1
    token = ALPHABETS[kind]
    run = data.draw(st.lists(token, min_size=length, max_size=length))
    around = st.tuples(st.lists(token, max_size=60), st.lists(token, max_size=60))
    first, second = (texts_around(kind, run, *data.draw(around)) for _ in range(2))
    assert shared_anchors(first, second)
    assert shared_anchors(first, texts_around(kind, run, [], []))


@pytest.mark.parametrize("kind", PARAMS)
@given(st.data())
def test_in_the_opening_of_both_a_shorter_run_is_enough(kind: str, data: st.DataObject) -> None:
    params = PARAMS[kind]
    length = params.anchor + params.opening_window - 1
    before_max = params.anchor + params.opening - 1 - length
    token = ALPHABETS[kind]
    run = data.draw(st.lists(token, min_size=length, max_size=length))
    around = st.tuples(st.lists(token, max_size=before_max), st.lists(token, max_size=90))
    first, second = (texts_around(kind, run, *data.draw(around)) for _ in range(2))
    assert shared_anchors(first, second)


def texts_around(kind: str, run: list[str], before: list[str], after: list[str]) -> Fingerprint:
    """Return the fingerprint of ``run`` between others, all in tokens of one kind."""
    result = compute_fingerprint(JOINTS[kind].join([*before, *run, *after]), None)
    assert result.tokens == len(before) + len(run) + len(after)
    assert result.params == PARAMS[kind]
    return result


def shared_anchors(first: Fingerprint, second: Fingerprint) -> set[int]:
    """Return the anchors that both have."""
    return set(first.anchors.tolist()) & set(second.anchors.tolist())


@pytest.mark.parametrize("kind", PARAMS)
def test_anchors_are_the_smallest_of_all_windows_and_of_narrower_ones_in_the_opening(kind: str) -> None:
    params: ShingleParams = PARAMS[kind]
    for count in range(params.anchor, 160):
        text = many_words(count) if kind == "words" else "".join(chr(0x4E00 + 37 * i) for i in range(count))
        result = compute_fingerprint(text, None)
        shingles = result.shingles.tolist()
        assert len(shingles) == count - params.anchor + 1
        expected = smallest(shingles[: params.opening], params.opening_window)
        if len(shingles) >= params.window:
            expected |= smallest(shingles, params.window)
        assert result.anchors.tolist() == sorted(expected)


@given(st.lists(ALPHABETS["words"], min_size=4, max_size=40))
def test_equal_runs_of_tokens_and_only_these_have_equal_shingles(words: list[str]) -> None:
    size = WORDS.anchor
    tuples = [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]
    result = compute_fingerprint(" ".join(words), None).shingles.tolist()
    assert len(result) == len(tuples)
    assert len(set(zip(tuples, result, strict=True))) == len(set(tuples)) == len(set(result))


@given(st.lists(ALPHABETS["words"] | ALPHABETS["characters"], max_size=60).map(" ".join))
def test_the_sequence_is_part_of_each_hash_and_a_bit_for_numbers(text: str) -> None:
    tokens, sequence = tokenize(text), compute_fingerprint(text, None).sequence
    assert sequence.dtype == np.uint16
    assert ((sequence & NUMBER) != 0).tolist() == tokens.numeric.tolist()
    assert (sequence >> 1).tolist() == [value >> 17 & 0x7FFF for value in tokens.hashes.tolist()]


@pytest.mark.parametrize(
    ("text", "is_spaced"),
    [("新闻 today here", True), ("新闻今天 today", False), ("新闻 two words", True), ("ข่าว", False), ("", True)],
)
def test_a_text_is_shingled_as_most_of_its_tokens_ask(text: str, is_spaced: bool) -> None:
    result = compute_fingerprint(text, None)
    assert result.is_spaced is is_spaced
    assert result.params == (WORDS if is_spaced else CHARACTERS)


@pytest.mark.parametrize("count", [TOKENS_MAX - 1, TOKENS_MAX, TOKENS_MAX + 1, TOKENS_MAX + 904])
def test_only_the_first_tokens_are_looked_at(count: int) -> None:
    words = many_words(count).split()
    result, head = compute_fingerprint(" ".join(words), None), compute_fingerprint(" ".join(words[:TOKENS_MAX]), None)
    assert (result.tokens, len(result.sequence)) == (count, min(count, TOKENS_MAX))
    assert plain(result)[3:] == plain(head)[3:]
    assert (result.text_hash == head.text_hash) is (count <= TOKENS_MAX)


@pytest.mark.parametrize("count", [1, 3, 4, 15, 25, 300, 6_000])
def test_everything_stored_is_sorted_unique_and_bounded(count: int) -> None:
    result = compute_fingerprint(many_words(count), many_words(count, seed=1))
    for values in (result.anchors, result.title):
        assert all(first < second for first, second in pairwise(values.tolist()))
    assert len(result.anchors) <= len(result.shingles) <= TOKENS_MAX
    assert set(result.anchors.tolist()) <= set(result.shingles.tolist())
    assert len(result.title) <= TITLE_TOKENS_MAX
    assert [values.dtype for values in arrays(result)] == [np.uint16, np.uint16, np.uint64, np.uint64]


@pytest.mark.parametrize("text", ["", " ", "…", "\0"])
def test_a_text_without_tokens(text: str) -> None:
    result = compute_fingerprint(text, text)
    assert result.tokens == 0
    assert [len(values) for values in arrays(result)] == [0, 0, 0, 0]
    assert plain(result) == plain(compute_fingerprint("", None))


@pytest.mark.parametrize("kind", PARAMS)
def test_a_text_with_fewer_shingles_than_a_window_has_one_anchor(kind: str) -> None:
    params = PARAMS[kind]
    for count in range(1, params.anchor + params.opening_window - 1):
        text = many_words(count) if kind == "words" else "新一二三四五六七八九十百千万亿兆"[:count]
        result = compute_fingerprint(text, None)
        assert result.params == params
        assert len(result.shingles) == max(1, count - params.anchor + 1)
        assert result.anchors.tolist() == [min(result.shingles.tolist())]


@pytest.mark.parametrize("kind", PARAMS)
def test_texts_shorter_than_an_anchor_have_different_anchors(kind: str) -> None:
    tokens = ["ab", "cd", "ef"] if kind == "words" else list("新闻今天日")
    texts = [JOINTS[kind].join(tokens[:count]) for count in range(1, PARAMS[kind].anchor)]
    anchors = [compute_fingerprint(text, None).anchors.tolist() for text in texts]
    assert len({value for result in anchors for value in result}) == len(texts)


@pytest.mark.parametrize("word", ["كرر", "25", "新", "word"])
def test_one_word_10_000_times_has_one_anchor(word: str) -> None:
    result = compute_fingerprint(f"{word} " * 10_000, None)
    assert (result.tokens, len(result.sequence), len(result.anchors)) == (10_000, TOKENS_MAX, 1)
    assert len(set(result.shingles.tolist())) == 1


def test_folded_spellings_have_one_fingerprint() -> None:
    first, second = (
        compute_fingerprint("وصل إلى المدرسة، أمس", "أمس"),
        compute_fingerprint("وصل الى المدرسه أمس", "امس"),
    )
    assert plain(first) == plain(second)


def test_order_counts_for_the_text_and_not_for_the_title() -> None:
    assert compute_fingerprint("a b c d", None).text_hash != compute_fingerprint("d c b a", None).text_hash
    assert compute_fingerprint("a", "b c").title.tolist() == compute_fingerprint("a", "c b b").title.tolist()


def test_shingles_are_evenly_spread_so_that_anchors_are_few() -> None:
    """Winnowing chooses about two in each window and one more."""
    result = compute_fingerprint(many_words(4_000), None)
    assert result.shingles.tolist() == mix(shingle_hashes(tokenize(many_words(4_000)).hashes, WORDS.anchor)).tolist()
    assert 0.8 < len(result.anchors) * (WORDS.window + 1) / (2 * 4_000) < 1.2


TEXTS = {
    "arabic": (
        "افتتح رئيس البلدية، صباح اليوم، حديقة عامة جديدة تضم ١٢٠ شجرة وملعبين للأطفال، وقال إن الدخول 14 ساعة مجاناً.",
        "حديقة جديدة في حي الزهور",
    ),
    "english": (
        "The harbour of Northport reopened on Tuesday after 3 days of storm. Ferries left for the islands at 7:30, "
        "and fishermen said the damage was smaller than feared. " * 40,
        "Northport harbour reopens",
    ),
    "chinese": ("北港市图书馆星期二重新开放，读者可以借阅新书。" * 3, "图书馆重新开放"),
    "long": (many_words(5_000), ""),
    "word": ("خبر", None),
}
PINNED: dict[str, list[object]] = {
    "arabic": [
        "777a4dff46d4d0bb1d322d37cb4e2af0",
        19,
        True,
        "f0f69af9c9f68cf0",
        "a7b4500cbfbc6cc3",
        "5c86eb49d6213c92",
        "22800d1828c1513d",
    ],
    "english": [
        "472b50fb01e06d8f2cdcd64e00c29368",
        1160,
        True,
        "cebc9bc0fdf0d919",
        "701dd7b5d2bf60ea",
        "df82706ee1a1539e",
        "d1e108cde7e09155",
    ],
    "chinese": [
        "775c5f4139cea746d02db0f89bbd5f53",
        63,
        False,
        "cc81ada35d9b8044",
        "a75a8c7418ee61c7",
        "8d944721ada66c2f",
        "54a290155f272232",
    ],
    "long": [
        "dd245ab5d7294f64f9a1a46b0abfedc4",
        5000,
        True,
        "b5a1332806ba2bcc",
        "e4a6a0577479b2b4",
        "59608379d679a612",
        "b43eebb0e8d8473e",
    ],
    "word": [
        "0ad8004a3ed649230f48265984118fad",
        1,
        True,
        "2eec0a74133298e7",
        "e4a6a0577479b2b4",
        "46d8793a674f1745",
        "46d8793a674f1745",
    ],
}
