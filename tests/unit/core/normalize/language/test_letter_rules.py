"""Languages of one script, told apart by letters and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.language.letter_rules import (
    ARABIC_SCRIPT,
    CONFIDENCE_MAX,
    arabic_script,
    bengali_script,
    chinese_characters,
    ethiopic_script,
    hebrew_script,
)


def _told(text: str) -> tuple[str, float]:
    return arabic_script(text, sum(map(str.isalpha, text)))


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
def test_a_few_words_in_arabic_script_tell(text: str, language: str) -> None:
    assert _told(text)[0] == language


@pytest.mark.parametrize(
    ("plain", "changed"),
    [
        ("زار الرئيس المدينة وكل القرى", "زار الرئیس المدینة وکل القرى"),
        ("زار باولو المدينة أمس مع الفريق", "زار پاولو المدينة أمس مع الفريق"),
    ],
)
def test_another_keyboard_and_names_leave_arabic_arabic(plain: str, changed: str) -> None:
    assert _told(plain)[0] == _told(changed)[0] == "ar"


@pytest.mark.parametrize("written", ["زَارَ مُدِيرٌ قَرْيَةِ فِي سَهْلٍ", "زار مديـــر قريـــة فـــي سهـــل"])
def test_marks_and_strokes_change_nothing(written: str) -> None:
    assert arabic_script(written, 16) == arabic_script("زار مدير قرية في سهل", 16)


def test_more_evidence_is_surer() -> None:
    assert _told("مدير مدرسة")[1] < _told("مدير المدرسة في المدينة")[1]


def test_hebrew_and_yiddish() -> None:
    assert hebrew_script("פתח את הגן של העיר") == "he"
    assert hebrew_script("ער האט געעפנט דער גארטן") == "yi"


def test_amharic_and_tigrinya() -> None:
    assert ethiopic_script("በከተማው ውስጥ አዲስ ድልድይ ነው") == "am"
    assert ethiopic_script("ኣብ ከተማ ሓድሽ ድልድል እዩ") == "ti"


def test_bengali_and_assamese() -> None:
    assert bengali_script("শহরের নতুন সেতু") == "bn"
    assert bengali_script("চহৰৰ নতুন দলং") == "as"


def test_japanese_forms_tell_only_where_no_kana_may_be_missing() -> None:
    assert chinese_characters("駅前広場完成", 6)[0] == "ja"
    assert chinese_characters("市长发表讲话", 6)[0] == "zh"
    assert chinese_characters("駅" * 60, 60)[0] == "zh"
    assert chinese_characters("市长", 2)[1] < chinese_characters("市长" * 20, 40)[1]


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(0, 500))
def test_any_text_is_one_of_the_languages(text: str, letters: int) -> None:
    language, confidence = arabic_script(text, letters)
    assert language in ARABIC_SCRIPT
    assert 0 <= confidence <= CONFIDENCE_MAX
