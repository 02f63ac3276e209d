"""Teasers are copies of the first paragraph, truncated or whole; headings are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.boilerplate.line_prefixes import folded_prefixes
from stream.core.normalize.boilerplate.teaser import is_teaser

PARAGRAPH = "افتتح رئيس البلدية، صباح أمس، حديقة عامة إلى جوار المدرسة القديمة، وقال إن العمل فيها استغرق عاماً كاملاً."
ENGLISH = (
    "The mayor opened a new garden beside the old school this morning, and said that the work had taken a full year."
)
REST = "وحضر الافتتاح عدد من السكان."
CHINESE = "市长昨天上午在老学校旁边为一座新公园剪彩，他说工程历时整整一年，附近的居民都来参加了仪式。"


def split_teaser(text: str) -> tuple[str | None, str]:
    """Return the first line if it is a teaser, and the text after it and after the teasers that follow it."""
    lines = text.split("\n")
    folded = folded_prefixes(lines)
    count = 0
    while is_teaser(lines, folded, count):
        count += 1
    return (lines[0], "\n".join(lines[count:])) if count else (None, text)


@pytest.mark.parametrize(
    ("teaser", "paragraph"),
    [
        (PARAGRAPH[:60], PARAGRAPH),
        (PARAGRAPH[:60] + "...", PARAGRAPH),
        (PARAGRAPH[:60] + " …", PARAGRAPH),
        (PARAGRAPH[:57], PARAGRAPH),
        (PARAGRAPH[:30] + "…", PARAGRAPH),
        (PARAGRAPH[:38], PARAGRAPH),
        (PARAGRAPH[:70].replace("أ", "ا").replace("إ", "ا").replace("ة", "ه"), PARAGRAPH),
        (PARAGRAPH[:70].replace("،", " ،"), PARAGRAPH),
        (PARAGRAPH[:70].replace(" ", "\u00a0"), PARAGRAPH),
        ("«" + PARAGRAPH[:70] + "»", PARAGRAPH),
        (PARAGRAPH[:60] + "... المزيد", PARAGRAPH),
        (PARAGRAPH, PARAGRAPH),
        (PARAGRAPH, "الرياض - واس: " + PARAGRAPH),
        ("الرياض - واس: " + PARAGRAPH[:70] + "...", PARAGRAPH),
        (ENGLISH[:50] + " [...]", ENGLISH),
        (ENGLISH[:50].upper() + "...", ENGLISH),
        (ENGLISH[:60] + "... Read more", ENGLISH),
        (ENGLISH[:63] + " &quo", ENGLISH),
        (ENGLISH[:63] + "&hellip", ENGLISH),
        (ENGLISH[:23] + "…", ENGLISH),
        (ENGLISH[:80], "HILL TOWN, May 5 (AP) - " + ENGLISH),
        (CHINESE[:12] + "…", CHINESE),
        (PARAGRAPH[:-4], PARAGRAPH),
    ],
)
def test_a_copy_is_a_teaser(teaser: str, paragraph: str) -> None:
    assert split_teaser(f"{teaser}\n{paragraph}\n{REST}") == (teaser, f"{paragraph}\n{REST}")
    assert split_teaser(f"{teaser}\n{paragraph}") == (teaser, paragraph)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PARAGRAPH,
        f"{PARAGRAPH}\n{PARAGRAPH[:60]}",
        f"{PARAGRAPH}\n{REST}",
        f"The mayor opened\n{ENGLISH}",
        f"The mayor opened…\n{ENGLISH}",
        f"The mayor opened a new garden\n{ENGLISH}",
        f"افتتح رئيس البلدية\n{PARAGRAPH}",
        f"{ENGLISH[:50]} yesterday in the rain\n{ENGLISH}",
        f"{ENGLISH[:60]} &amp\n{ENGLISH.replace(' this', ' that')}",
        f"…\n{ENGLISH}",
        f"{ENGLISH[10:50]}\n{ENGLISH}",
        f"{ENGLISH[:60]}\n{PARAGRAPH}\n{ENGLISH}",
        f"{ENGLISH}\n{REST}\n{ENGLISH}",
        f"{CHINESE[:9]}\n{CHINESE}",
    ],
)
def test_headings_repeats_and_unrelated_paragraphs_stay(text: str) -> None:
    assert split_teaser(text) == (None, text)


@pytest.mark.parametrize("between", [REST, f"كتب: نادر صالح\n{REST}"])
def test_short_lines_may_come_between(between: str) -> None:
    assert split_teaser(f"{PARAGRAPH[:80]}…\n{between}\n{PARAGRAPH}") == (
        PARAGRAPH[:80] + "…",
        f"{between}\n{PARAGRAPH}",
    )


def test_a_copy_may_span_paragraphs() -> None:
    teaser = f"{ENGLISH} {PARAGRAPH} {REST[:9]}"
    assert split_teaser(f"{teaser}\n{ENGLISH}\n{PARAGRAPH}\n{REST}") == (teaser, f"{ENGLISH}\n{PARAGRAPH}\n{REST}")


def test_all_of_several_teasers_are_removed() -> None:
    assert split_teaser(f"{ENGLISH[:40]}…\n{ENGLISH[:70]}…\n{ENGLISH}") == (ENGLISH[:40] + "…", ENGLISH)


@given(st.lists(st.text("abءآ́ .…\u064b", min_size=1, max_size=70), max_size=4).map("\n".join))
def test_the_remaining_text_has_no_teaser(text: str) -> None:
    teaser, remaining = split_teaser(text)
    assert split_teaser(remaining) == (None, remaining)
    assert text.endswith(remaining)
    assert (teaser is None) == (remaining == text)


@given(st.integers(33, len(ENGLISH) - 3), st.sampled_from(["…", " ..."]))
def test_a_copy_truncated_anywhere_is_found(end: int, ellipsis: str) -> None:
    teaser = ENGLISH[:end] + ellipsis
    assert split_teaser(f"{teaser}\n{ENGLISH}")[1] == ENGLISH


@given(st.integers(58, len(ENGLISH) - 3))
def test_a_long_truncated_copy_needs_no_ellipsis(end: int) -> None:
    assert split_teaser(f"{ENGLISH[:end]}\n{ENGLISH}")[1] == ENGLISH


def test_a_copy_of_a_paragraph_that_starts_with_many_marks_is_found() -> None:
    marked = "\u064b" * 100 + PARAGRAPH
    assert split_teaser(f"{PARAGRAPH[:60]}\n{marked}") == (PARAGRAPH[:60], marked)
