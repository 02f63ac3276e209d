"""Notices that their form does not show: one text under unrelated titles of one source."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from stream.core.dedup.articles import Candidates, IncomingArticle, IndexedArticle
from stream.core.dedup.repeated_notice import find_repeated_pages
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS
from tests.support.index import prose
from tests.support.stories import earlier, subject

SHORT, LONG = DEFAULT_THRESHOLDS.notice_tokens - 1, DEFAULT_THRESHOLDS.repeated_notice_tokens - 1
TITLES = ("Cracks found in pier", "Mayor opens school", "Storm closes road")


def incoming_article(tokens: int) -> IncomingArticle:
    return dataclasses.replace(subject(prose("n", tokens), title="Choir sings in hall"), source="earlier.example")


def pages(tokens: int, count: int) -> list[IndexedArticle]:
    return [earlier(prose("n", tokens), title=TITLES[number], offset=number) for number in range(count)]


@pytest.mark.parametrize(
    ("tokens", "count", "is_notice"),
    [
        (SHORT, 0, False),
        (SHORT, 1, True),
        (SHORT + 1, 1, False),
        (SHORT + 1, 2, True),
        (LONG, 1, False),
        (LONG, 2, True),
        (LONG + 1, 3, False),
        (0, 3, False),
    ],
)
def test_how_many_pages_show_that_a_text_is_a_notice(tokens: int, count: int, is_notice: bool) -> None:
    candidates = Candidates(same_text_pages=pages(tokens, count))
    assert bool(find_repeated_pages(incoming_article(tokens), candidates, DEFAULT_THRESHOLDS)) is is_notice


def test_a_page_that_is_known_to_be_a_notice_is_enough_whatever_its_title() -> None:
    known = dataclasses.replace(pages(LONG, 1)[0], is_notice=True)
    assert find_repeated_pages(incoming_article(LONG), Candidates(same_text_pages=[known]), DEFAULT_THRESHOLDS)


@pytest.mark.parametrize("changed", [{"source": "other.example"}, {"id": "later"}])
def test_pages_of_other_sources_and_earlier_versions_do_not_count(changed: dict[str, Any]) -> None:
    others = [dataclasses.replace(page, **changed) for page in pages(SHORT, 2)]
    candidates = Candidates(same_text_pages=others)
    assert not find_repeated_pages(incoming_article(SHORT), candidates, DEFAULT_THRESHOLDS)


def test_an_article_that_is_printed_again_under_an_edited_title_is_no_notice() -> None:
    edited = earlier(prose("n", SHORT), title="Choir sings again in hall")
    assert not find_repeated_pages(incoming_article(SHORT), Candidates(same_text_pages=[edited]), DEFAULT_THRESHOLDS)


def test_the_same_page_again_is_no_notice_and_another_version_of_it_may_be_one() -> None:
    incoming = incoming_article(SHORT)
    same, other = earlier(prose("n", SHORT), offset=7), earlier(prose("m", SHORT), offset=7)
    for page, is_notice in ((same, False), (other, True)):
        candidates = Candidates(same_address=page, same_text_pages=pages(SHORT, 1))
        assert bool(find_repeated_pages(incoming, candidates, DEFAULT_THRESHOLDS)) is is_notice


def test_titles_that_share_a_quarter_of_their_words_are_not_unrelated() -> None:
    page = earlier(prose("n", SHORT), title="Choir rests")
    incoming = dataclasses.replace(subject(prose("n", SHORT), title="Choir sings again"), source="earlier.example")
    assert not find_repeated_pages(incoming, Candidates(same_text_pages=[page]), DEFAULT_THRESHOLDS)
