"""Tests of distinguishing the languages of a script by letters and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.language.letter_rules import (
    ARABIC_SCRIPT_LANGUAGES,
    CONFIDENCE_MAX,
    classify_arabic_script,
    classify_bengali_script,
    classify_ethiopic_script,
    classify_han_script,
    classify_hebrew_script,
)


def classify(text: str) -> tuple[str, float]:
    return classify_arabic_script(text, sum(map(str.isalpha, text)))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("إن أي مدرسة في قرية", "ar"),
        ("کتاب جدید در بازار", "fa"),
        ("كتاب جديد در بازار", "fa"),
        ("كند كنند", "fa"),
        ("نئی کتاب بازار میں", "ur"),
        ("نویں کتاب بزار وچ", "pnb"),
        ("نوی کتاب په بازار کې", "ps"),
        ("کتێبی نوێ لە بازاڕ", "ckb"),
        ("بازار ۾ نئون ڪتاب", "sd"),
        ("بازاردا يېڭى كىتاب", "ug"),
    ],
)
def test_a_few_words_in_arabic_script_suffice(text: str, language: str) -> None:
    assert classify(text)[0] == language


@pytest.mark.parametrize(
    ("plain", "variant"),
    [
        ("زار الرئيس المدينة وكل القرى", "زار الرئیس المدینة وکل القرى"),
        ("زار باولو المدينة أمس مع الفريق", "زار پاولو المدينة أمس مع الفريق"),
    ],
)
def test_persian_letters_from_a_keyboard_or_a_name_leave_arabic_text_arabic(plain: str, variant: str) -> None:
    assert classify(plain)[0] == classify(variant)[0] == "ar"


@pytest.mark.parametrize("text", ["زَارَ مُدِيرٌ قَرْيَةِ فِي سَهْلٍ", "زار مديـــر قريـــة فـــي سهـــل"])
def test_marks_and_tatweel_do_not_matter(text: str) -> None:
    assert classify_arabic_script(text, 16) == classify_arabic_script("زار مدير قرية في سهل", 16)


def test_more_evidence_gives_more_confidence() -> None:
    assert classify("مدير مدرسة")[1] < classify("مدير المدرسة في المدينة")[1]


def test_hebrew_and_yiddish_are_distinguished() -> None:
    assert classify_hebrew_script("פתח את הגן של העיר") == "he"
    assert classify_hebrew_script("ער האט געעפנט דער גארטן") == "yi"


def test_amharic_and_tigrinya_are_distinguished() -> None:
    assert classify_ethiopic_script("በከተማው ውስጥ አዲስ ድልድይ ነው") == "am"
    assert classify_ethiopic_script("ኣብ ከተማ ሓድሽ ድልድል እዩ") == "ti"


def test_bengali_and_assamese_are_distinguished() -> None:
    assert classify_bengali_script("শহরের নতুন সেতু") == "bn"
    assert classify_bengali_script("চহৰৰ নতুন দলং") == "as"


def test_japanese_characters_count_only_in_text_too_short_for_kana() -> None:
    assert classify_han_script("駅前広場完成", 6)[0] == "ja"
    assert classify_han_script("市长发表讲话", 6)[0] == "zh"
    assert classify_han_script("駅" * 60, 60)[0] == "zh"
    assert classify_han_script("市长", 2)[1] < classify_han_script("市长" * 20, 40)[1]


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(0, 500))
def test_any_text_is_one_of_the_languages(text: str, letters: int) -> None:
    language, confidence = classify_arabic_script(text, letters)
    assert language in ARABIC_SCRIPT_LANGUAGES
    assert 0 <= confidence <= CONFIDENCE_MAX
