"""Boilerplate is moved into fields or removed; the article stays."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.boilerplate import ArticleParts, remove_boilerplate
from stream.core.normalize.fixes import FixCounts
from tests.support.cases import cases

PARAGRAPH = "The mayor opened a new garden beside the old school, and said that the work had taken a full year."
SECOND = "Neighbours brought benches, and the choir sang until the rain came down on the new lawn of the school."
ARABIC = "افتتح رئيس البلدية حديقة عامة إلى جوار المدرسة القديمة، وقال إن العمل فيها استغرق عاماً كاملاً."
#: Lines that are boilerplate, lines that look like it, and lines with boilerplate glued to them.
TRICKY = [
    PARAGRAPH,
    SECOND,
    ARABIC,
    PARAGRAPH[:50],
    PARAGRAPH[:50] + "…",
    ARABIC[:60],
    ARABIC.replace("إ", "ا"),
    SECOND[:-1],
    "Share",
    "share",
    "Tweet",
    "Advertisement",
    "إعلان",
    "12 comments",
    "12 comments.",
    "© 2018 X",
    "Tags: a, b",
    "Read more",
    "Read more:",
    "Read more: Bridge to close",
    "اقرأ أيضا:",
    "اقرأ أيضا: خبر آخر",
    "A headline, short",
    "***",
    ".",
    "...",
    "…",
    "----",
    "Next Previous",
    "Next Previous Next Previous x",
    "Next Previous الرياض - واس",
    "الرياض - واس",
    "الرياض - واس: " + ARABIC,
    "واس- جدة: واس- جدة: قال",
    "LONDON (AP) - LONDON (AP) - " + PARAGRAPH,
    "LONDON (Reuters) - " + PARAGRAPH,
    "LONDON (Reuters)",
    "By Jane Smith",
    "By Popular Demand",
    "كتب: نادر صالح",
    "（罗林）",
    "新华社北京7月1日电（记者张三）新华社北京7月1日电 今天",
    "记者 张三 李四",
    "市长昨天上午在老学校旁边剪彩。",
    "责任编辑：张三",
    "Reuter",
    "It rose to 33.7. REUTER",
    "(AFP)",
    "He left the town. (AFP) (AFP)",
    "a@b.example",
    "@handle",
    "(تصوير: المحرر)",
    "للتواصل مع الكاتب ارسل رسالة SMS",
    "88591 - Stc",
    "سمات حديقة مدرسة",
    "...المزيد",
    "المزيد",
    "(function(){",
    "})();",
    "Il a dit oui. A lire aussi : A lire aussi :",
    "نعم",
    "ab",
    "ꙮ",
    "ꙮꙮ ꙮ",
    "کراچی: یہ ہے",
    "A title for it",
]
TEXTS = st.lists(st.sampled_from(TRICKY) | st.text("aط国 .:-(…", min_size=1, max_size=9), min_size=1, max_size=9).map(
    lambda lines: "\n".join(filter(None, (" ".join(line.split()) for line in lines))) or "x"
)


def as_case(parts: ArticleParts, fixes: FixCounts) -> dict[str, Any]:
    """Return the non-empty parts and the counted fixes as a case file has them."""
    moved: dict[str, Any] = {name: getattr(parts, name) for name in ArticleParts.__slots__ if name != "text"}
    return {"left": parts.text, "fixes": dict(fixes)} | {name: value for name, value in moved.items() if value}


@pytest.mark.parametrize(
    "case", [case for name in ("boilerplate", "datelines", "bylines", "teasers") for case in cases(name)]
)
def test_boilerplate_is_found_and_nothing_else(case: dict[str, Any]) -> None:
    """A case without ``left`` must not change; a known failure still fails."""
    fixes = FixCounts()
    actual = as_case(remove_boilerplate(case["text"], case.get("title"), fixes), fixes)
    expected = {name: value for name, value in case.items() if name not in ("name", "text", "title", "known_failure")}
    assert (actual == {"left": case["text"], "fixes": {}} | expected) is not case.get("known_failure", False)


@given(TEXTS, st.none() | st.sampled_from(TRICKY))
def test_removing_boilerplate_twice_changes_nothing_more(text: str, title: str | None) -> None:
    remaining = remove_boilerplate(text, title, FixCounts()).text
    fixes = FixCounts()
    assert remove_boilerplate(remaining, title, fixes).text == remaining
    assert not fixes


@given(TEXTS, st.none() | st.sampled_from(TRICKY))
def test_the_remaining_text_is_clean_and_part_of_the_original(text: str, title: str | None) -> None:
    parts = remove_boilerplate(text, title, FixCounts())
    lines = parts.text.split("\n")
    assert all(line and line == line.strip() for line in lines)
    assert all(any(line in original for original in text.split("\n")) for line in lines)
    assert unicodedata.is_normalized("NFC", parts.text)


@given(TEXTS)
def test_every_change_is_counted(text: str) -> None:
    fixes = FixCounts()
    parts = remove_boilerplate(text, None, fixes)
    assert (parts.text == text) is not bool(fixes)


@given(TEXTS)
def test_moved_parts_are_verbatim(text: str) -> None:
    parts = remove_boilerplate(text, None, FixCounts())
    for moved in (parts.teaser, *(parts.byline or "").split(" / "), *(parts.dateline or "").split(" / ")):
        assert not moved or all(name in text for name in moved.split("، "))


@given(st.text(max_size=200), st.none() | st.text(max_size=40))
def test_any_text_is_accepted(text: str, title: str | None) -> None:
    lines = (" ".join(line.split()) for line in text.splitlines())
    remove_boilerplate("\n".join(filter(None, lines)), title, FixCounts())


def test_a_text_of_boilerplate_only_stays_and_counts_nothing() -> None:
    fixes = FixCounts()
    text = "Share\nTweet\nLeave a comment\n12 comments"
    assert remove_boilerplate(text, None, fixes) == ArticleParts(text)
    assert not fixes


def test_a_text_with_too_many_layers_stays() -> None:
    text = "واس- الرياض: " * 9 + ARABIC
    assert remove_boilerplate(text, None, FixCounts()) == ArticleParts(text)


def test_counts_add_up_with_those_of_other_fields() -> None:
    fixes = FixCounts({"spaces": 2})
    remove_boilerplate(f"{PARAGRAPH}\nAll rights reserved", None, fixes)
    assert fixes == {"spaces": 2, "copyright": 1}


@pytest.mark.parametrize(
    "piece",
    [
        "\n",
        "Share\n",
        "Read more\nA headline\n",
        "***\n",
        "By Jane Smith\n",
        "a@b.example\n",
        "A title\n",
        "(",
        "- ",
        ": ",
        "واس - ",
        "الرياض (",
        "a\n",
        f"{PARAGRAPH[:60]}\n",
        f"{PARAGRAPH}\n",
        "للتواصل مع الكاتب ",
        "12 ",
        "©",
        "Next Previous ",
        "、张三",
        "Read more: x\n",
        "88591 - Stc\n",
        "(AFP) ",
        "A lire aussi :",
        "市长",
        "ꙮ",
    ],
)
def test_removing_boilerplate_takes_linear_time(piece: str) -> None:
    """Superlinear work on a million characters would take minutes."""
    text = (piece * (1_000_000 // len(piece))).strip()
    remove_boilerplate(text or "x", "A title", FixCounts())
