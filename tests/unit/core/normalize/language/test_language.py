"""Tests of language detection, and of which declared tags are believed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.language import DECLARED_CONFIDENCE, UNDETERMINED, detect, direction, primary_language
from tests.support.cases import cases

ARABIC = "افتتح رئيس البلدية صباح اليوم حديقة عامة جديدة في حي الزهور بحضور عدد كبير من السكان"
ENGLISH = "The mayor opened a new public garden in the old part of the town this morning, and many people came."
FRENCH = "Le maire a inauguré ce matin un nouveau jardin public dans la vieille ville, devant les habitants. "
HOSTILE = ["@", "a@", "#a", "<a", "www.", "a.", "ab.com", "http://", "ا", "ﷺ", "字", "\u200c", "\ud800", "a-"]


@pytest.mark.parametrize("case", cases("languages"))
def test_the_language_is_detected_from_the_text(case: dict[str, Any]) -> None:
    detected = detect(case["text"], None)
    assert (detected.tag != case["tag"]) == case.get("known_failure", False)
    assert detected.direction == direction(detected.tag)
    assert (detected.confidence == 0) == (detected.tag == UNDETERMINED)


@pytest.mark.parametrize("case", cases("languages_declared"))
def test_a_declared_tag_is_kept_corrected_or_overruled(case: dict[str, Any]) -> None:
    detected = detect(case["text"], case["declared"])
    assert detected.tag == case["tag"]
    assert detected.direction == case.get("direction", direction(case["tag"]))


@pytest.mark.parametrize("text", ["", "2026 / 05", "…!", "🙂", "ا", "\n\n"])
def test_text_without_letters_is_undetermined(text: str) -> None:
    assert detect(text, None).tag == UNDETERMINED
    assert detect(text, None).confidence == 0


@pytest.mark.parametrize("declared", ["Arabic", "<script>", "ar--SA", "", "a" * 9_999, "und-\ud800", "und", "zxx"])
@pytest.mark.parametrize("text", [ARABIC, "12"])
def test_a_declaration_that_is_not_a_tag_is_ignored(declared: str, text: str) -> None:
    assert detect(text, declared) == detect(text, None)


def test_confidence_grows_with_the_length_of_the_text() -> None:
    confidences = [
        detect(text, None).confidence for text in ("مدير", "مدير مدرسة", "مدير مدرسة يكرم الطالب الجديد في المدينة")
    ]
    assert confidences == sorted(confidences)
    assert confidences[0] < 0.5
    assert confidences[-1] > 0.9


def test_a_mixture_has_less_confidence_than_pure_text() -> None:
    mixed = detect(f"{ARABIC}\n{ENGLISH}", None)
    assert mixed.tag == "ar"
    assert mixed.confidence < 0.95 < detect(ARABIC, None).confidence


def test_a_declaration_confirmed_by_the_text_has_more_confidence() -> None:
    alone = detect("مدير مدرسة", None)
    confirmed = detect("مدير مدرسة", "ar")
    assert confirmed.tag == alone.tag == "ar"
    assert confirmed.confidence > max(alone.confidence, DECLARED_CONFIDENCE)


def test_a_declaration_alone_has_the_confidence_of_declarations() -> None:
    assert detect("12", "ar").confidence == DECLARED_CONFIDENCE


def test_a_declaration_that_the_text_weakly_contradicts_has_less_confidence() -> None:
    detected = detect("Ok then", "sw")
    assert detected.tag == "sw"
    assert detected.confidence < DECLARED_CONFIDENCE


def test_a_quotation_at_the_beginning_does_not_decide_the_language() -> None:
    assert detect(f"«{ENGLISH[:70]}»\n{FRENCH * 8}", None).tag == "fr"


@pytest.mark.parametrize("declared", [None, "ar"])
@pytest.mark.parametrize(
    "noise", ["https://www.example.com/a-path-with-many-words", "#SomeLongHashTag @SomeHandle", "desk@example.org"]
)
def test_urls_email_addresses_and_hashtags_do_not_count(noise: str, declared: str | None) -> None:
    assert detect(f"{noise} {noise} افتتاح الحديقة {noise}", declared).tag == "ar"


def test_a_text_of_hashtags_alone_has_a_language() -> None:
    assert detect("#افتتاح_الحديقة_الجديدة_في_المدينة", None).tag == "ar"


def test_primary_language_is_the_first_subtag() -> None:
    assert [primary_language(tag) for tag in ("ar-SA", "AR", "zh-Hant-TW")] == ["ar", "ar", "zh"]


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.none() | st.text(max_size=12))
def test_any_text_has_a_language(text: str, declared: str | None) -> None:
    detected = detect(text, declared)
    assert 0 <= detected.confidence <= 1
    assert detected.tag.replace("-", "").isalnum()
    assert detected.tag.isascii()
    again = detect(text, detected.tag)
    assert detect(text, again.tag).tag == again.tag


@given(
    st.lists(st.sampled_from([*ARABIC.split(), *ENGLISH.split(), *FRENCH.split(), "شهر", "کے", "в", "в городе"])).map(
        " ".join
    ),
    st.sampled_from(["ar", "fa", "br", "la", "se", "sr-Latn", "az-Arab", "ku-Arab", "bho", "en-GB", "zh-Hant", "nn"]),
)
def test_a_published_tag_that_is_declared_again_is_kept(text: str, declared: str) -> None:
    detected = detect(text, declared)
    again = detect(text, detected.tag)
    assert detect(text, again.tag) == detect(text, again.tag)
    assert detect(text, again.tag).tag == again.tag


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("declared", [None, "en"])
def test_the_language_of_a_million_characters_is_detected_in_time(piece: str, declared: str | None) -> None:
    # Only a sample of the text is used; work in proportion to its length would take minutes here.
    for text in (piece * (1_000_000 // len(piece)), f"{piece} " * 300_000):
        for _ in range(20):
            detect(text, declared)
