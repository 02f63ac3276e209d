"""What readers call the same text becomes the same tokens, and nothing else does."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cases_files import cases
from stream.fold import Tokens, fold_text, letters, token_hashes, tokenize

ANY_TEXT = st.text(st.characters(), max_size=60)


def listed(tokens: Tokens) -> list[tuple[int, bool, bool]]:
    """Return the tokens as plain values."""
    return list(zip(tokens.hashes.tolist(), tokens.numeric.tolist(), tokens.unspaced.tolist(), strict=True))


@pytest.mark.parametrize("case", cases("fold_equal"))
def test_spellings_fold_alike(case: dict[str, Any]) -> None:
    folded = {text: fold_text(text) for text in case["texts"]}
    assert len(set(folded.values())) == 1, folded
    assert len({tuple(listed(tokenize(text))) for text in case["texts"]}) == 1


@pytest.mark.parametrize("case", cases("fold_keep"))
def test_letters_that_matter_stay(case: dict[str, Any]) -> None:
    assert fold_text(case["text"]) == case["text"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("كلب", "قلب"), ("باب", "ناب"), ("café", "cafs"), ("ข่า", "ข้า"), ("か", "が"), ("12", "21"), ("й", "ю")],
)
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert fold_text(one) != fold_text(other)
    assert listed(tokenize(one)) != listed(tokenize(other))


def test_every_character_folds_to_something_stable() -> None:
    characters = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    for start in range(0, len(characters), 4096):
        once = fold_text("\n".join(characters[start : start + 4096]))
        assert fold_text(once) == once, hex(start)


@given(ANY_TEXT)
@example("ﷺ12٣一二ก")
@example("\ud800")
def test_folding_is_idempotent_and_keeps_the_tokens(text: str) -> None:
    folded = fold_text(text)
    assert fold_text(folded) == folded
    assert listed(tokenize(folded)) == listed(tokenize(text))


@given(ANY_TEXT, ANY_TEXT)
def test_tokens_do_not_depend_on_their_surroundings(one: str, other: str) -> None:
    assert listed(tokenize(f"{one} {other}")) == listed(tokenize(one)) + listed(tokenize(other))


@given(ANY_TEXT)
def test_token_hashes_are_the_hashes_of_the_tokens(text: str) -> None:
    assert np.array_equal(token_hashes(text), tokenize(text).hashes)


@given(ANY_TEXT)
def test_letters_are_the_folded_text_without_spaces(text: str) -> None:
    assert letters(text) == fold_text(text).replace(" ", "")


@given(ANY_TEXT, ANY_TEXT)
def test_letters_of_a_beginning_begin_the_letters(one: str, other: str) -> None:
    assert letters(one + other).startswith(letters(one))


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_marks_that_readers_leave_out_remain(text: str) -> None:
    assert not any(
        0x0300 <= ord(character) <= 0x036F or 0x064B <= ord(character) <= 0x065F for character in fold_text(text)
    )


def test_tokens_of_a_text_in_two_scripts() -> None:
    tokens = tokenize("في 2026 مباراة 新闻 x2")
    assert tokens.numeric.tolist() == [False, True, False, False, False, False]
    assert tokens.unspaced.tolist() == [False, False, False, True, True, False]


def test_rare_ideographs_are_tokens_of_their_own() -> None:
    assert tokenize("𠀀𪜶x").unspaced.tolist() == [True, True, False]


@pytest.mark.parametrize("text", ["", " \n", "…!?", "\u200b\u0301"])
def test_text_without_tokens(text: str) -> None:
    assert len(tokenize(text)) == 0
    assert fold_text(text) == ""


@pytest.mark.parametrize("length", [255, 256, 300, 32_767, 32_768, 40_000])
def test_a_token_has_its_hash_wherever_a_long_text_holds_it(length: int) -> None:
    filler = "ab " * (length // 3)
    assert tokenize(filler + "خبر").hashes[-1] == tokenize("خبر").hashes[0]
    assert tokenize("a" * length).hashes[0] != tokenize("a" * (length - 1) + "b").hashes[0]


def test_known_hashes_do_not_change() -> None:
    """They are stored in indexes: another hash is another version of them."""
    assert [f"{value:016x}" for value in tokenize("news خبر 新").hashes.tolist()] == PINNED


def test_digits_of_every_script_are_numbers() -> None:
    digits = [chr(point) for point in range(0x20000) if unicodedata.category(chr(point)) == "Nd"]
    assert {fold_text(digit) for digit in digits} == set("0123456789")


PINNED = ["9accebed7c146327", "55b5f18bf31fe7ba", "ef78b5efce4ba5fd"]
