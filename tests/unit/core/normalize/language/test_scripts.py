"""Tests of counting letters by script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.language.scripts import COMPATIBILITY_FORMS, LATIN, letters_by_script, main_script


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", {}),
        ("12, 3!", {}),
        ("Ab1", {LATIN: 2}),
        ("éß!", {LATIN: 2}),
        ("حي 3 a", {"Arab": 2, LATIN: 1}),
        ("город", {"Cyrl": 5}),
        ("市の", {"Hani": 1, "Kana": 1}),
        ("ﺣﻲ", {COMPATIBILITY_FORMS: 2}),
        ("٣٤ ،", {}),
        ("\U00020000🙂", {}),
    ],
)
def test_only_letters_are_counted(text: str, counts: dict[str, int]) -> None:
    assert letters_by_script(text) == counts


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", ""),
        ("garden", LATIN),
        ("حديقة garden", "Arab"),
        ("garden party in the old town حديقة", LATIN),
        ("市の", "Jpan"),
        ("の", "Jpan"),
        ("市長選挙 Aurora", "Hani"),
        ("시장 市", "Kore"),
        ("시", "Kore"),
    ],
)
def test_the_main_script_is_that_of_most_of_the_text(text: str, script: str) -> None:
    assert main_script(letters_by_script(text))[0] == script


def test_the_share_is_one_if_there_is_no_other_script() -> None:
    assert main_script(letters_by_script("市長は公園"))[1:] == (5, 1.0)
    assert main_script(letters_by_script("ab город"))[2] < 1


@given(st.text())
def test_counts_and_share_are_in_range(text: str) -> None:
    counts = letters_by_script(text)
    script, letters, share = main_script(counts)
    assert sum(counts.values()) <= len(text)
    assert letters <= len(text)
    assert 0 <= share <= 1
    assert bool(script) == bool(counts)
