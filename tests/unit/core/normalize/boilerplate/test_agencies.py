"""Agencies are recognized by their names in many scripts, and by nothing else."""

from __future__ import annotations

import pytest

from stream.core.normalize.boilerplate.agencies import find_agency, identify_sources, is_desk_or_paper, parse_credit


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("واس", "SPA"),
        ("أ ف ب", "AFP"),
        ("أ.ف.ب", "AFP"),
        ("ا ف ب", "AFP"),
        ("رويترز", "Reuters"),
        ("REUTERS", "Reuters"),
        ("新华社", "Xinhua"),
        ("ТАСС", "TASS"),
        ("ایسنا", "ISNA"),
        ("भाषा", "PTI"),
        ("연합뉴스", "Yonhap"),
        ("AP", "AP"),
        ("dpa", "dpa"),
    ],
)
def test_an_agency_is_found_by_its_name_in_any_script(name: str, short: str) -> None:
    assert find_agency(name) == short


@pytest.mark.parametrize("name", ["ap", "Ap", "Aa", "DPA", "was", "واسع", "سبق", "", "EU"])
def test_a_word_that_looks_like_an_agency_is_not_one(name: str) -> None:
    assert find_agency(name) is None


def test_desks_and_papers_are_not_agencies() -> None:
    assert is_desk_or_paper("وكالات")
    assert is_desk_or_paper("عين اليوم")
    assert not is_desk_or_paper("اليوم")
    assert identify_sources(["سبق", "واس", "جدة", "ꙮ"]) == [(None, True), ("SPA", False), (None, False), (None, False)]


@pytest.mark.parametrize(
    ("credit", "agencies"),
    [
        ("AFP/Reuters", ["AFP", "Reuters"]),
        ("فرانس24/ أ ف ب", ["France 24", "AFP"]),
        ("رويترز، وكالات", ["Reuters"]),
        ("AFP, Smith", None),
        ("", None),
    ],
)
def test_a_credit_consists_of_agencies_desks_and_papers(credit: str, agencies: list[str] | None) -> None:
    assert parse_credit(credit) == agencies
