"""Datelines in the styles of many newsrooms are read; tests/cases/datelines.jsonl has them inside whole texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.boilerplate.dateline import CHARS_MAX, read_dateline, read_dateline_line, read_inline_source

SENTENCE = "افتتح رئيس البلدية حديقة عامة."
LATIN = "The mayor opened a garden."


@pytest.mark.parametrize(
    ("dateline_text", "sentence", "located", "agencies"),
    [
        ("واس – مكة المكرمة: ", SENTENCE, "مكة المكرمة", ["SPA"]),
        ("القاهرة (رويترز) - ", SENTENCE, "القاهرة", ["Reuters"]),
        ("القاهرة (د ب أ)- ", SENTENCE, "القاهرة", ["dpa"]),
        ("(CNN) -- ", SENTENCE, None, ["CNN"]),
        ("القدس المحتلة - وكالات: ", SENTENCE, "القدس المحتلة", []),
        ("ST. LOUIS, March 3 - ", LATIN, "ST. LOUIS", []),
        ("DALLAS/FORT WORTH, Texas, March 3 - ", LATIN, "DALLAS/FORT WORTH", []),
        ("New York, 3 March 2019 - ", LATIN, "New York", []),
        ("The Hague (AP) — ", LATIN, "The Hague", ["AP"]),
        ("München/Berlin (dpa) - ", "Der Garten ist offen.", "München/Berlin", ["dpa"]),
        ("İSTANBUL (DHA) - ", "Park açıldı.", "İSTANBUL", ["DHA"]),
        ("Jakarta (ANTARA) - ", "Taman dibuka.", "Jakarta", ["Antara"]),
        ("中新社香港10月30日电 ", "市长剪彩。", "香港", ["CNS"]),
        ("【東京=時事】", "市長が開いた。", "東京", ["Jiji"]),
        ("[서울=뉴시스] ", "시장이 열었다.", "서울", ["Newsis"]),
        ("Москва. 5 мая. INTERFAX.RU - ", "Мэр открыл сад.", "Москва", ["Interfax"]),
        ("اسلام آباد( ویب ڈیسک ) ", "باغ کھل گیا ہے۔", "اسلام آباد", []),
    ],
)
def test_a_dateline_ends_where_the_sentence_starts(
    dateline_text: str, sentence: str, located: str | None, agencies: list[str]
) -> None:
    dateline = read_dateline(dateline_text + sentence)
    assert dateline is not None
    assert (dateline_text + sentence)[dateline.end :] == sentence
    assert (dateline.located, dateline.agencies) == (located, agencies)
    assert dateline.text in dateline_text


@pytest.mark.parametrize(
    "line",
    [
        "الوزير: لن نغلق الجسر.",
        "نادر صالح: لن نغلق الجسر.",
        "واس: اتفاق قريب.",
        "افتتح رئيس البلدية صباح أمس (واس) - حديقة عامة.",
        "المدير - وهو من أهل الحي - لن يغلق الجسر.",
        "وكالة الأنباء السعودية (واس) - وهي رسمية - نشرت البيان.",
        "Smith (AP) said so.",
        "Human Rights Watch (AFP) said so.",
        "WATCH: The garden opens.",
        "UPDATE 2 - The garden opens.",
        "The European Union (EU) - It paid.",
        "In London - where else - it rained.",
        "中国电信讯息服务停止。",
        "意大利欧联通讯社报道，市长剪彩。",
        "Мэр - отец троих детей - открыл сад.",
        "میئر: باغ کھل گیا ہے۔",
        "LONDON (Reuters)",
        "الرياض - واس:",
    ],
)
def test_speakers_asides_and_datelines_without_a_sentence_are_not_read(line: str) -> None:
    assert read_dateline(line) is None


@pytest.mark.parametrize(
    ("line", "located", "byline"),
    [
        ("الرياض - واس", "الرياض", None),
        ("تبوك -واس", "تبوك", None),
        ("عين اليوم – متابعات", None, None),
        ("نادر صالح-الباحة", "الباحة", "نادر صالح"),
        ("نادر صالح، منى العلي – عين اليوم", None, "نادر صالح، منى العلي"),
        ("نادر صالح – جدة (تصوير: منى العلي)", "جدة", "نادر صالح"),
        ("LONDON (Reuters)", "LONDON", None),
    ],
)
def test_a_dateline_on_its_own_line_is_read(line: str, located: str | None, byline: str | None) -> None:
    dateline = read_dateline_line(line)
    assert dateline is not None
    assert (dateline.text, dateline.located, dateline.byline) == (line, located, byline)


@pytest.mark.parametrize(
    "line", ["وعود - لم تتحقق", "حريق في السوق – جدة", "نادر صالح", "London", "الرياض - واس.", "-"]
)
def test_headings_are_not_datelines(line: str) -> None:
    assert read_dateline_line(line) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("به گزارش خبرگزاری فارس از قم، شهردار گفت", (["Fars"], "قم")),
        ("به گزارش ایسنا، شهردار گفت", (["ISNA"], None)),
        ("به گزارش روزنامه، شهردار گفت", ([], None)),
        ("شهردار گفت", ([], None)),
    ],
)
def test_a_source_inside_the_sentence_is_read(line: str, expected: tuple[list[str], str | None]) -> None:
    assert read_inline_source(line) == expected


@given(st.text("ABc (),.:-–— واسجدة电讯社报【】1", min_size=1, max_size=160))
def test_any_line_is_accepted(line: str) -> None:
    dateline = read_dateline(line)
    assert dateline is None or (0 < dateline.end <= CHARS_MAX and dateline.text in line)
