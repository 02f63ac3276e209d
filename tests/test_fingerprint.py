"""What is remembered of a text: sets that copies and excerpts of it share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.fingerprint import (
    ANCHORS_MAX,
    NUMBERS_MAX,
    SHINGLE_CHARACTERS,
    SHINGLE_WORDS,
    SKETCH_MAX,
    TITLE_MAX,
    WINDOW_CHARACTERS,
    WINDOW_WORDS,
    Fingerprint,
    fingerprint,
    shingle,
    sketch_level,
    thin,
    winnow,
)
from stream.fold import Hashes, tokenize

WORDS = st.text("abcdef", min_size=2, max_size=2)
LETTERS = str.maketrans("0123456789", "abcdefghij")
HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=80).map(lambda values: np.array(values, dtype=np.uint64))


def many_words(count: int, seed: int = 0) -> str:
    """Return a text of ``count`` words, nearly all different."""
    return " ".join(_word(seed, number * 7919 % 100_003) for number in range(count))


def _word(seed: int, number: int) -> str:
    """Return a word of letters alone: numbers are tokens of their own."""
    return f"{seed}x{number}".translate(LETTERS)


def summary(found: Fingerprint) -> list[object]:
    """Return what a change of any stored hash would change."""
    return [
        found.text_hash,
        found.tokens,
        found.level,
        [int(values.sum()) for values in (found.sketch, found.anchors, found.numbers, found.title)],
    ]


@pytest.mark.parametrize("name", ["arabic", "english", "chinese", "long"])
def test_known_fingerprints_do_not_change(name: str) -> None:
    """They are stored in indexes: another fingerprint is another version of them."""
    assert summary(fingerprint(*TEXTS[name])) == PINNED[name]


@given(st.lists(WORDS, max_size=30), st.lists(WORDS, max_size=30), st.data())
def test_texts_that_share_a_long_run_share_an_anchor(one: list[str], other: list[str], data: st.DataObject) -> None:
    length = SHINGLE_WORDS + WINDOW_WORDS - 1
    run = data.draw(st.lists(WORDS, min_size=length, max_size=length))
    texts = [" ".join([*before, *run, *behind]) for before, behind in ((one, other), (other, one), ([], []))]
    anchors = [set(fingerprint(text, None).anchors.tolist()) for text in texts]
    assert anchors[0] & anchors[1]
    assert anchors[0] & anchors[2]


@given(st.text("新闻今天日本国人民大会", min_size=36, max_size=36), st.text("零一二三四", max_size=40))
def test_the_same_holds_for_characters(run: str, other: str) -> None:
    assert len(run) == SHINGLE_CHARACTERS + WINDOW_CHARACTERS - 1
    one, two = fingerprint(run + other, None), fingerprint(other + run, None)
    assert set(one.anchors.tolist()) & set(two.anchors.tolist())


@given(HASHES, st.integers(1, 40))
def test_winnowing_takes_the_smallest_of_every_window(shingles: Hashes, window: int) -> None:
    values = shingles.tolist()
    width = min(window, len(values))
    expected = {min(values[start : start + width]) for start in range(len(values) - width + 1)} if values else set()
    assert winnow(shingles, window).tolist() == sorted(expected)


@given(st.lists(WORDS, max_size=40), st.integers(1, 6))
def test_shingles_tell_runs_apart_and_know_them_again(words: list[str], size: int) -> None:
    runs = [tuple(words[start : start + size]) for start in range(max(1, len(words) - size + 1))] if words else []
    found = shingle(tokenize(" ".join(words)).hashes, size).tolist()
    assert len(found) == len(runs)
    assert len(set(zip(runs, found, strict=True))) == len(set(runs)) == len(set(found))


@given(HASHES, st.integers(0, 6), st.integers(0, 6))
def test_thinning_twice_is_thinning_to_the_higher_level(hashes: Hashes, level: int, more: int) -> None:
    assert thin(thin(hashes, level), level + more).tolist() == thin(hashes, level + more).tolist()
    assert all(value % 2**level == 0 for value in thin(hashes, level).tolist())


@given(st.integers(0, 100_000))
def test_the_level_keeps_about_as_many_as_a_sketch_holds(count: int) -> None:
    level = sketch_level(count)
    assert count / 2**level <= SKETCH_MAX
    assert level == 0 or count / 2 ** (level - 1) > SKETCH_MAX


@pytest.mark.parametrize("count", [1, 2, 257, 258, 259, 600, 5_000, 50_000])
def test_everything_stored_is_sorted_unique_and_bounded(count: int) -> None:
    title = many_words(count, seed=1)
    found = fingerprint(many_words(count) + " " + " ".join(map(str, range(count))), title)
    for values in (found.sketch, found.anchors, found.numbers, found.title):
        assert values.tolist() == sorted(set(values.tolist()))
    assert len(found.sketch) <= 1.5 * SKETCH_MAX
    assert len(found.anchors) <= ANCHORS_MAX
    assert len(found.numbers) <= NUMBERS_MAX
    assert len(found.title) <= TITLE_MAX
    assert found.tokens == 2 * count
    assert found.sketch.dtype == found.numbers.dtype == found.title.dtype == np.uint32
    assert found.anchors.dtype == np.uint64


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([300, 700, 3_000]))
def test_a_short_sketch_thins_as_the_long_hashes_do(seed: int, count: int) -> None:
    text = many_words(count, seed)
    found = fingerprint(text, None)
    long = np.unique(shingle(tokenize(text).hashes, SHINGLE_WORDS))
    for level in (found.level, found.level + 2):
        assert thin(found.sketch, level).tolist() == np.unique(thin(long, level).astype(np.uint32)).tolist()


@pytest.mark.parametrize("text", ["", " ", "…"])
def test_a_text_without_tokens(text: str) -> None:
    found = fingerprint(text, text)
    assert (found.tokens, found.level) == (0, 0)
    assert [len(values) for values in (found.sketch, found.anchors, found.numbers, found.title)] == [0, 0, 0, 0]


@pytest.mark.parametrize("text", ["كلمة", "12", "新", "one two"])
def test_a_text_shorter_than_a_shingle_is_one(text: str) -> None:
    found = fingerprint(text, None)
    assert len(found.sketch) == len(found.anchors) == 1


def test_one_word_10_000_times_is_one_shingle() -> None:
    found = fingerprint("كرر " * 10_000, None)
    assert (found.tokens, found.level, len(found.sketch), len(found.anchors)) == (10_000, 0, 1, 1)


def test_numbers_are_remembered_whatever_their_script() -> None:
    found, latin = fingerprint("سجل ٢٥ هدفا في ٢٠٢٦", None), fingerprint("25 2026", None)
    assert found.numbers.tolist() == latin.numbers.tolist()
    assert len(found.numbers) == 2


def test_folded_spellings_have_one_fingerprint() -> None:
    one, other = fingerprint("وصل إلى المدرسة، أمس", "أمس"), fingerprint("وصل الى المدرسه أمس", "امس")
    assert summary(one) == summary(other)


def test_order_counts_for_the_text_and_not_for_the_title() -> None:
    assert fingerprint("a b c d", None).text_hash != fingerprint("d c b a", None).text_hash
    assert fingerprint("a", "b c").title.tolist() == fingerprint("a", "c b b").title.tolist()


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
}
TEXTS["long"] = (many_words(2_000), "")
PINNED: dict[str, list[object]] = {
    "arabic": ["777a4dff46d4d0bb1d322d37cb4e2af0", 19, 0, [34887837317, 393889864920910787, 4081066830, 12096449089]],
    "english": ["472b50fb01e06d8f2cdcd64e00c29368", 1160, 0, [60141757882, 473464545515634490, 3076579367, 9038533344]],
    "chinese": ["775c5f4139cea746d02db0f89bbd5f53", 63, 0, [54838781356, 2086161517576278846, 0, 18616350776]],
    "long": ["18e0db6b254e7c05744e77b037809171", 2000, 3, [488901042696, 7929151319728306734, 0, 0]],
}
