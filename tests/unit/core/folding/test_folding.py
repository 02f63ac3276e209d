"""What readers call the same text becomes the same tokens, and nothing else does."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b
from itertools import pairwise
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from stream.core.folding import TokenBatch, Tokens, _fold_rare_letters, fold_letters, fold_text, tokenize, tokenize_all
from stream.core.folding.tables import COMPOSES, tables
from tests.support.cases import cases
from tests.support.spelling_variants import CHANGES, Change, variant

ANY_TEXT = st.text(st.characters(), max_size=60)
COMPOSING = {chr(point) for point in (tables().fold & COMPOSES).nonzero()[0].tolist()}
# Folding looks at what stands beside these.
TELLING_TEXT = st.text("aב 12\u200c\u064e.,،'ءئؤاوميةـ٣٫ไ้ําन्तञ्च\u0654\u0306иカ\u3099ﾞﷺ½ß国國", max_size=30)
SENTENCES = (
    "قال رئيس البلدية: «سنفتح الحديقة يوم 12 مايو 2026م»، وأضاف أن المسؤولين عن الشؤون المالية وافقوا.",
    "بلغت كلفة الجسر 1,500 مليون ريال، أي 3.5 في المائة من موازنة عام ١٤٣٦هـ؛ فهل يكفي ذلك؟",
    'قرأ الشيخ حديث النبي صلى الله عليه وسلم، ثم قال: "الله جل جلاله أعلم" (رواه سالم).',
    "جاء اللاجئون إلى شاطئ المدينة مساء الثلاثاء، ومائة منهم أطفال؛ لا ماء لديهم ولا مأوى!",
    "الطقس: حرارة 41 درجة، رياح شمالية 25كم، ونسبة الرطوبة 60% في «واحة السرو» غداً.",
)
# Texts of which one ends and the next begins with what looks at its neighbours.
BESIDE_EACH_OTHER = (
    ["", "a", "", "新", ""],
    ["\0", "a\0b", "\0\0", "1\0000"],
    ["ى", "\u0654", "и", "\u0306", "カ", "ﾞ"],
    ["1,", "000", "1", "000", "12ـ", "13"],
    ["م", "ائة", "ما", "ئة", "شئ", "ون"],
    ["न", "्त", "ไ", "้ำ", "ำ", "้"],
    ["U.S", ".A", "צה", '"ל', "می\u200c", "خواهم"],
    ["新闻", "خبر", "ข่าว", "новости", "ニュース", "뉴스", "ﷺ", "x2"],
    # NFC, which the first text needs, puts the marks of the second one into another order.
    ["\u3099", "\u0e48\u094d"],
)
# Marks that have an order in NFC or compose, joiners, jamo and numbers: what normalization may move or join.
MARKED_TEXT = st.text(
    "aиカक่ี\u0e48\u0e38\u0e3a\u094d\u093c\u0951\u0952\u3099\uff9e\u0306\u0323\u0307\u0654\u0651\u1037\u103a\u0f71\u0f72"
    "\u200c\u200dㅎ\u1100\u1161\u11a8\uffa1\uffc2가1٣,. \n\U0002f800\U00020000",
    max_size=12,
)


def to_tuples(tokens: Tokens) -> list[tuple[int, bool, bool]]:
    """Return the tokens as plain values."""
    return list(zip(tokens.hashes.tolist(), tokens.numeric.tolist(), tokens.unspaced.tolist(), strict=True))


def tuples_by_text(batch: TokenBatch) -> list[list[tuple[int, bool, bool]]]:
    """Return the tokens of each text as plain values."""
    tokens, bounds = to_tuples(batch.tokens), batch.bounds.tolist()
    assert (bounds[0], bounds[-1]) == (0, len(tokens))
    return [tokens[start:end] for start, end in pairwise(bounds)]


@pytest.mark.parametrize("case", cases("folding_equal"))
def test_spellings_fold_alike(case: dict[str, Any]) -> None:
    folded = {text: fold_text(text) for text in case["texts"]}
    assert len({tuple(to_tuples(tokenize(text))) for text in case["texts"]}) == 1, folded


@pytest.mark.parametrize("case", cases("folding_keep"))
def test_letters_that_matter_stay(case: dict[str, Any]) -> None:
    assert fold_text(case["text"]) == case["text"]


@pytest.mark.parametrize("case", cases("folding_apart"))
def test_other_words_stay_apart(case: dict[str, Any]) -> None:
    folded = {text: fold_text(text) for text in case["texts"]}
    assert len(set(folded.values())) == len(case["texts"]), folded
    assert len({tuple(to_tuples(tokenize(text))) for text in case["texts"]}) == len(case["texts"])


@pytest.mark.parametrize("case", cases("folding_known_failures"))
def test_known_failures_still_fail(case: dict[str, Any]) -> None:
    """Readers consider them the same; each case says why folding does not."""
    assert len({tuple(to_tuples(tokenize(text))) for text in case["texts"]}) == len(case["texts"])


@pytest.mark.parametrize("change", CHANGES)
@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3).map("\n".join), st.randoms(use_true_random=False))
def test_each_kind_of_variant_has_the_same_tokens(change: Change, text: str, random: Random) -> None:
    assert to_tuples(tokenize(change(text, random))) == to_tuples(tokenize(text))


@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3).map("\n".join), st.integers(0, 2**32))
def test_variants_have_the_same_tokens(text: str, seed: int) -> None:
    assert to_tuples(tokenize(variant(text, seed))) == to_tuples(tokenize(text))


def test_the_variants_differ_from_the_text() -> None:
    """Or the tests above would say nothing."""
    for change in CHANGES:
        assert any(change(text, Random(7)) != text for text in SENTENCES), change.__name__  # noqa: S311 - no secret


def test_every_character_folds_to_something_stable() -> None:
    characters = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    for start in range(0, len(characters), 4096):
        once = fold_text("\n".join(characters[start : start + 4096]))
        assert fold_text(once) == once, hex(start)


@given(ANY_TEXT | TELLING_TEXT)
@example("ﷺ12٣一二ก")
@example("1:000 2 000")
@example("\ud800")
def test_folding_is_idempotent_and_keeps_the_tokens(text: str) -> None:
    assume(COMPOSING.isdisjoint(text))  # a mark without its letter could find another one
    folded = fold_text(text)
    assert fold_text(folded) == folded
    assert to_tuples(tokenize(folded)) == to_tuples(tokenize(text))


@given(ANY_TEXT | MARKED_TEXT, ANY_TEXT | MARKED_TEXT)
@example("\u3099", "\u0e48\u094d")
def test_tokens_do_not_depend_on_their_surroundings(first: str, second: str) -> None:
    assert to_tuples(tokenize(f"{first}\n{second}")) == to_tuples(tokenize(first)) + to_tuples(tokenize(second))


@pytest.mark.parametrize("texts", BESIDE_EACH_OTHER, ids="|".join)
def test_texts_in_a_batch_do_not_affect_each_other(texts: list[str]) -> None:
    assert tuples_by_text(tokenize_all(texts)) == [to_tuples(tokenize(text)) for text in texts]


@given(st.lists(MARKED_TEXT, min_size=1, max_size=6))
def test_texts_of_marks_have_the_same_tokens_in_a_batch_and_alone(texts: list[str]) -> None:
    assert tuples_by_text(tokenize_all(texts)) == [to_tuples(tokenize(text)) for text in texts]


@given(st.lists(ANY_TEXT | TELLING_TEXT | st.text("\0 a1新ख", max_size=8), min_size=1, max_size=8))
def test_a_text_has_the_same_tokens_in_a_batch_and_alone(texts: list[str]) -> None:
    assert tuples_by_text(tokenize_all(texts)) == [to_tuples(tokenize(text)) for text in texts]


def test_every_character_folds_the_same_in_a_batch_with_a_text_that_needs_composing() -> None:
    plain = [chr(point) for point in range(0x30000) if not 0xD800 <= point <= 0xDFFF and chr(point) not in COMPOSING]
    for start in range(0, len(plain), 4096):
        text = "\n".join(plain[start : start + 4096])
        assert tuples_by_text(tokenize_all([text, "ｶﾞ и\u0306"]))[0] == to_tuples(tokenize(text)), hex(ord(text[0]))


def test_a_null_character_is_a_space() -> None:
    assert to_tuples(tokenize("a\0b 1\0\0002")) == to_tuples(tokenize("a b 1  2"))


@given(st.text("abÉٱة\u064e1٣.، \n’新ガßﷲ-", max_size=60))
def test_letters_are_the_folded_text_without_spaces(text: str) -> None:
    assert fold_letters(text) == fold_text(text).replace(" ", "")


@given(ANY_TEXT | TELLING_TEXT, ANY_TEXT | TELLING_TEXT)
def test_letters_of_a_beginning_begin_the_letters(first: str, second: str) -> None:
    text = unicodedata.normalize("NFC", first + second)
    assume(COMPOSING.isdisjoint(text))
    assert fold_letters(text).startswith(fold_letters(text[: len(first)]))


def test_letters_do_not_depend_on_spacing_and_punctuation() -> None:
    assert fold_letters("«إلى» 1,000… ال-مدرسة") == fold_letters("الى1000المدرسه")
    assert fold_letters("الشئ") == fold_letters("الشئون")[:4]


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_marks_that_readers_leave_out_remain(text: str) -> None:
    assert not any(
        0x0300 <= ord(character) <= 0x036F or 0x064B <= ord(character) <= 0x065F for character in fold_text(text)
    )


def test_tokens_of_a_text_in_two_scripts() -> None:
    tokens = tokenize("في 2026 مباراة 新闻 x2")
    assert tokens.numeric.tolist() == [False, True, False, False, False, False, True]
    assert tokens.unspaced.tolist() == [False, False, False, True, True, False, False]


def test_rare_ideographs_are_tokens_of_their_own() -> None:
    assert tokenize("𠀀𪜶x").unspaced.tolist() == [True, True, False]


@pytest.mark.parametrize("text", ["", " \n", "…!?", "\u200b\u0301"])
def test_text_without_tokens(text: str) -> None:
    assert len(tokenize(text)) == 0
    assert fold_text(text) == ""


def test_digits_of_every_script_are_numbers() -> None:
    digits = [chr(point) for point in range(0x20000) if unicodedata.category(chr(point)) == "Nd"]
    assert {fold_text(digit) for digit in digits} == set("0123456789")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_canonically_equivalent_texts_fold_alike(form: Literal["NFC", "NFD"]) -> None:
    """Every character of the table beside its composed and decomposed form (UAX #15)."""
    for start in range(0, 0x20000, 4096):
        characters = [chr(point) for point in range(start, start + 4096) if not 0xD800 <= point <= 0xDFFF]
        for character in characters:
            normalized = unicodedata.normalize(form, character)
            if normalized != character:
                assert to_tuples(tokenize(f"x {normalized}")) == to_tuples(tokenize(f"x {character}")), hex(
                    ord(character)
                )


@given(st.text(max_size=30).map(lambda text: unicodedata.normalize("NFC", text)))
def test_decomposed_text_folds_like_composed_text(text: str) -> None:
    assert to_tuples(tokenize(unicodedata.normalize("NFD", text))) == to_tuples(tokenize(text))


def test_the_table_of_chinese_characters_does_not_change() -> None:
    """A newer table of OpenCC gives other hashes: another version of the index."""
    ideographs = tables().fold[0x3400:0xA000]
    assert blake2b(ideographs.astype("<u4").tobytes(), digest_size=8).hexdigest() == PINNED_IDEOGRAPHS


@pytest.mark.parametrize("piece", ["ﷺ", "1,", "ئ", "ـ1", "a.", "\u0654ي", "ｶﾞ", "็่", "न्त", "\u200c", "½"])
def test_a_million_characters_are_folded(piece: str) -> None:
    """In quadratic time this would not end."""
    assert tokenize(piece * (1_000_000 // len(piece)) + " خبر").hashes[-1] == tokenize("خبر").hashes[0]


PINNED_IDEOGRAPHS = "444fae246c18739c"


@given(st.text(st.characters()) | st.text("ﷺﷲｶﾞий\u0306ئ\u0654😀ـ١٢ أ", max_size=20))
def test_letters_that_are_sure_by_themselves_are_those_of_a_closer_look(text: str) -> None:
    assert fold_letters(text) == _fold_rare_letters(text)
