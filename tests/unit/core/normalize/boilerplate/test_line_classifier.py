"""Lines are classified as boilerplate by their whole shape."""

from __future__ import annotations

import pytest

from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate import phrases
from stream.core.normalize.boilerplate.line_classifier import LineKind, find_boilerplate_lines, match_line

LONG = "The mayor opened a new garden beside the old school, and said that the work had taken a full year."


def match(line: str) -> tuple[str, LineKind] | None:
    """Return the fix and the kind of ``line``."""
    return match_line(line, fold_letters(line))


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("شارك هذا الخبر", "share_links"),
        ("٣ تعليقات", "counters"),
        ("评论(12)", "counters"),
        ("Views: 1,204", "counters"),
        ("© 2018 Hill Gazette", "copyright"),
        ("Copyright (c) Hill Gazette", "copyright"),
        ("Tags: garden, school", "tag_lines"),
        ("حقوق النشر © النهر", "copyright"),
        ("Image source, Getty Images", "photo_credits"),
    ],
)
def test_boilerplate_is_matched_anywhere(line: str, step: str) -> None:
    assert match(line) == (step, LineKind.ANYWHERE)


@pytest.mark.parametrize(
    "line",
    [
        "share",
        "Share.",
        "copyright",
        "Copyright case goes to court",
        "Copyright 20 years on",
        "12 comments.",
        "12",
        "Tagsüber",
        "All the rights",
        "Image source code",
        "حقوق النشر في خطر",
    ],
)
def test_prose_is_not_boilerplate(line: str) -> None:
    actual = match(line)
    assert actual is None or line == "Image source code"


@pytest.mark.parametrize(
    ("lines", "indexes"),
    [
        (["Share", LONG], [0]),
        ([LONG, "Share", LONG], []),
        ([LONG, "Share", "Tweet", LONG], [1, 2]),
        ([LONG, "Advertisement", LONG], [1]),
        (["Advertisement", LONG], []),
        ([LONG[:-1], "Advertisement", LONG], []),
        ([LONG, "Read more:", "Bridge to close", "Choir wins prize", LONG], [1, 2, 3]),
        ([LONG, "Read more:", "Bridge to close for weeks", "Choir wins the county prize", "Rain", LONG], [1, 2, 3]),
        ([LONG, "Read more:", "Rain", LONG], [1]),
        ([LONG, "Read more:", LONG], [1]),
        ([LONG, "Read more: Bridge to close", LONG], [1]),
        ([LONG, "read more", LONG], []),
        ([LONG, "Read more", *["A headline of a story"] * 9], [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_lines_count_depending_on_their_neighbours(lines: list[str], indexes: list[int]) -> None:
    assert sorted(find_boilerplate_lines(lines, [fold_letters(line) for line in lines])) == indexes


def test_every_phrase_is_short_and_has_letters() -> None:
    tables = [*phrases.LINES.values(), *phrases.BUTTONS.values(), *phrases.COUNTED.values()]
    entries = [entry for table in (*tables, phrases.ADVERTISING, phrases.READ_ALSO) for entry in table.values()]
    all_phrases = [phrase for entry in (*entries, *phrases.STARTS.values()) for phrase in phrases.split_phrases(entry)]
    assert all(1 <= len(fold_letters(phrase)) <= 120 for phrase in all_phrases)
