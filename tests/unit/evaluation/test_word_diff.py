"""Passages: two texts word by word, aligned by what they fold to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.folding import tokenize
from stream.evaluation import word_diff
from stream.evaluation.word_diff import ISLAND_WORDS_MAX, WORDS_MAX, Passage, align, words

#: Texts, each with its words parted by a bar.
WORDS = [
    "The |U.S. |said |(see |“below”)",
    "paid |3.5 |percent |of |10 000 |or |10,000",
    "سافر |الى |«المدينة» |في |١٢٫٥ |يوم",
    "中|文|abc |第|12|次，|結|果。",
    "ส|วั|ส|ดี",
    "می\u200c|رود",
    'the |fish |— |"chips"'.replace("— |", "— "),
]

#: A text, another one, and the passages: what both have, or what either has in the place of the other.
ALIGNED = [
    ("the bridge closed today", "The BRIDGE, closed today!", [("the bridge closed today", None)]),
    ("الى المدينه", "إلى المدينة", [("الى المدينه", None)]),
    (
        "a row over 12 old houses near the river",
        "a row over 14 old houses near the river",
        [("a row over", None), ("12", "14"), ("old houses near the river", None)],
    ),
    ("one two three", "one two three four", [("one two three", None), ("", "four")]),
    ("one two three", "two three", [("one", ""), ("two three", None)]),
    ("", "one two", [("", "one two")]),
    ("", "", []),
]

TEXTS = st.text(
    st.sampled_from("abc éابة١٢3456,.«»-'٫中文สวั\u200c\u200d\u064b 0\n\t") | st.characters(codec="utf-8"), max_size=80
)


@pytest.mark.parametrize("parted", WORDS)
def test_text_is_split_into_words_as_folding_does(parted: str) -> None:
    text = parted.replace("|", "")
    assert [word.text for word in words(text)] == parted.split("|")


@given(TEXTS)
def test_words_joined_are_the_text(text: str) -> None:
    split = words(text)
    assert not split or "".join(word.text for word in split) == text
    assert all(word.key for word in split)


@given(st.lists(st.sampled_from(["bridge", "12", "3.5", "U.S.", "الجسر", "中文", "10,000", "–"]), max_size=20))
def test_words_have_the_tokens_of_the_text(parts: list[str]) -> None:
    text = " ".join(parts)
    assert [key for word in words(text) for key in word.key] == tokenize(text).hashes.tolist()


def test_numbers_are_distinguished_from_words() -> None:
    assert [word.text.strip() for word in words("12 men, 3.5 pct and ٤ days of 5km") if word.is_number] == [
        *("12", "3.5", "٤", "5")
    ]


def words_of(passage: Passage) -> tuple[str, str | None]:
    """The words of both sides; None for the second where they are shared."""
    first, second = ("".join(word.text for word in side).strip() for side in passage[1:])
    return first, None if passage.is_shared else second


@pytest.mark.parametrize(("first", "second", "expected"), ALIGNED)
def test_words_are_aligned_by_their_folded_form(
    first: str, second: str, expected: list[tuple[str, str | None]]
) -> None:
    alignment = align(first, second)
    assert [words_of(passage) for passage in alignment.passages] == expected
    assert not alignment.is_cut


@given(TEXTS, TEXTS)
def test_passages_hold_every_word_of_both_texts_in_order(first: str, second: str) -> None:
    passages = align(first, second).passages
    assert [word for passage in passages for word in passage.first] == words(first)
    assert [word for passage in passages for word in passage.second] == words(second)
    for passage in passages:
        assert not passage.is_shared or [w.key for w in passage.first] == [w.key for w in passage.second]
    assert all(left.is_shared != right.is_shared for left, right in pairwise(passages))


def test_a_few_shared_words_between_longer_changes_are_no_passage() -> None:
    first = "begin alpha beta gamma the old delta epsilon zeta end"
    second = "begin one two three the old four five six end"
    assert [passage.is_shared for passage in align(first, second).passages] == [True, False, True]
    # Between changes as short as themselves they stay.
    assert [words_of(p)[0] for p in align("x 1 per 2 y", "x 3 per 4 y").passages] == ["x", "1", "per", "2", "y"]
    assert ISLAND_WORDS_MAX == 2


def test_numbers_that_only_one_text_has() -> None:
    alignment = align("12 of (1,000) houses, 7 roads", "14 of 1000 houses, 7 roads, «٩٫٥» bridges")
    assert alignment.numbers == (["12"], ["14", "٩٫٥"])


def test_frequent_words_are_aligned_too() -> None:
    # Without autojunk=False, SequenceMatcher ignores words that are this frequent.
    often = "the end " * 150
    changed, shared = align("start " + often, often).passages
    assert (words_of(changed), shared.is_shared, len(shared.first)) == (("start", ""), True, 300)


def test_of_long_texts_the_beginnings_are_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert align("word " * (WORDS_MAX + 1), "word").is_cut
    assert sum(len(passage.first) for passage in align("a " * (WORDS_MAX + 50), "b").passages) == WORDS_MAX
    monkeypatch.setattr(word_diff, "CHARS_MAX", 12)
    alignment = align("one two three four", "one two")
    assert alignment.is_cut
    assert words_of(alignment.passages[0]) == ("one two", None)
