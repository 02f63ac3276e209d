"""The language of a text, and which declared tags are believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.normalize.language import UNDETERMINED, detect, direction, primary_language

ARABIC = "افتتح رئيس البلدية صباح اليوم حديقة عامة جديدة في حي الزهور بحضور عدد كبير من السكان"
ENGLISH = "The mayor opened a new public garden in the old part of the town this morning, and many people came."


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("ar", ARABIC),
        ("fa", "شهردار امروز صبح پارک تازه‌ای را در محلهٔ قدیمی شهر گشود و گفت که این پارک برای همه است"),
        ("ur", "میئر نے آج صبح شہر کے پرانے حصے میں ایک نئے باغ کا افتتاح کیا اور بڑی تعداد میں لوگ آئے"),
        ("he", "ראש העיר פתח הבוקר גן ציבורי חדש בחלק הישן של העיר"),
        ("el", "Ο δήμαρχος εγκαινίασε σήμερα το πρωί έναν νέο κήπο στην παλιά πόλη"),
        ("th", "นายกเทศมนตรีเปิดสวนสาธารณะแห่งใหม่เมื่อเช้านี้"),
        ("zh", "市长今天早上在老城区为一座新的公共花园揭幕"),
        ("ja", "市長は今朝、旧市街に新しい公園を開きました"),
        ("ko", "시장은 오늘 아침 구시가지에 새로운 공원을 열었습니다"),
        ("ru", "Сегодня утром мэр города открыл новый сад в старой части города, и пришло много людей"),
        ("hi", "महापौर ने आज सुबह शहर के पुराने हिस्से में एक नए बगीचे का उद्घाटन किया"),
        ("en", ENGLISH),
        ("en", "HARBOUR TOOLS SEES 3RD QTR NET UP 4.2 PCT, WILL PAY EXTRA DIVIDEND\nOper shr 1.10 dlrs vs 96 cts"),
        (
            "en",
            "HARBOUR TOOLS LTD 3RD QTR NET\nOper shr 1.10 dlrs vs 96 cts\nAvg shrs 8.2 mln\nNOTE: year includes gain",
        ),
        (
            "fr",
            "Le maire a inauguré ce matin un nouveau jardin public dans la vieille ville, devant les habitants.",
        ),
    ],
)
def test_language_is_told_by_the_text(tag: str, text: str) -> None:
    found = detect(text, None)
    assert found.tag == tag
    assert 0.5 <= found.confidence <= 1
    assert found.direction == direction(tag)


@pytest.mark.parametrize("text", ["", "2026 / 05", "…!", "🙂"])
def test_text_without_letters_is_undetermined(text: str) -> None:
    assert detect(text, None).tag == UNDETERMINED
    assert detect(text, None).confidence == 0


@pytest.mark.parametrize(
    ("declared", "tag"),
    [
        ("ar", "ar"),
        ("AR", "ar"),
        ("ar_SA", "ar-SA"),
        ("ar-sa", "ar-SA"),
        (" ar-ARAB-sa ", "ar-Arab-SA"),
        ("ar-001", "ar-001"),
        ("ar-u-nu-latn", "ar-u-nu-latn"),
        ("ar-x-desk", "ar-x-desk"),
    ],
)
def test_a_declared_tag_that_fits_is_kept_in_the_recommended_case(declared: str, tag: str) -> None:
    assert detect(ARABIC, declared).tag == tag


@pytest.mark.parametrize(
    "declared",
    [
        "Arabic",
        "x",
        "<script>",
        "ar-<script>",
        "ar--SA",
        "ar-",
        "-ar",
        "ar SA",
        "ar,en",
        "ar-SA-SA",
        "عربي",
        "",
        "a" * 9_999,
        "ar-" + "x" * 9,
        "ar-x",
        "und-\ud800",
        "ar;q=1",
        "i-klingon",
        "utf-8",
        "1",
        "ar-u",
    ],
)
@pytest.mark.parametrize("text", [ARABIC, "12"])
def test_what_is_no_tag_never_gets_through(declared: str, text: str) -> None:
    assert detect(text, declared) == detect(text, None)


def test_the_text_speaks_against_a_wrong_tag() -> None:
    assert detect(ARABIC, "en").tag == "ar"
    assert detect(ENGLISH, "ar").tag == "en"


def test_a_short_text_leaves_it_to_the_tag() -> None:
    found = detect("Ok", "sw-KE")
    assert (found.tag, found.direction) == ("sw-KE", "ltr")
    assert detect("12", "ar").direction == "rtl"


def test_primary_language_is_the_first_subtag() -> None:
    assert [primary_language(tag) for tag in ("ar-SA", "AR", "zh-Hant-TW")] == ["ar", "ar", "zh"]


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.none() | st.text(max_size=12))
def test_any_text_has_a_language(text: str, declared: str | None) -> None:
    found = detect(text, declared)
    assert 0 <= found.confidence <= 1
    assert found.tag.replace("-", "").isalnum()
    assert found.tag.isascii()
    again = detect(text, found.tag)
    assert detect(text, again.tag).tag == again.tag
