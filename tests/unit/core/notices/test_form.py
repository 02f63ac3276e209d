"""Which texts have the form of a notice, and which only are about such things."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.core.folding import tokenize
from stream.core.notices.form import CHARS_MAX, Finding, find_notice
from stream.core.notices.lexicon import LANGUAGES
from tests.support.cases import cases
from tests.support.stories import SCRIPTS, story

WALL = "We use cookies on this site. Please accept our privacy policy, or change your settings. "
HEADLINES = {"ar": "افتتاح حديقة جديدة في حي الزهور", "zh": "北港图书馆开放"}


def finding(text: str, language: str) -> Finding:
    return find_notice(text, language, tokens=len(tokenize(text)))


@pytest.mark.parametrize("case", cases("notices"))
def test_a_text_in_which_a_page_speaks_to_its_reader_is_a_notice(case: dict[str, Any]) -> None:
    assert finding(case["text"], case["language"]).notice == case["notice"]


@pytest.mark.parametrize("case", cases("notices"))
def test_a_headline_before_it_makes_no_difference(case: dict[str, Any]) -> None:
    headline = HEADLINES.get(case["language"], "Amberley 3:1 Westmark")
    assert finding(f"{headline}\n{case['text']}", case["language"]).notice is not None


@pytest.mark.parametrize("case", cases("notices_not"))
def test_a_report_about_such_things_is_an_article(case: dict[str, Any]) -> None:
    assert finding(case["text"], case["language"]).notice is None


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_is_an_article(script: str, language: str) -> None:
    assert finding(story(script), language).notice is None


def test_an_english_notice_is_recognized_on_pages_in_other_languages() -> None:
    text = "Please enable JavaScript in your browser, and disable your ad blocker."
    assert {finding(text, language).notice for language in (*LANGUAGES, "und", "xh")} == {"bot_check"}


def test_an_article_with_a_notice_below_it_is_an_article_whose_notice_is_marked() -> None:
    article = story("Latin", 0, 1)
    text = f"{article}\n{WALL}"
    found = finding(text, "en")
    count = len(tokenize(article))
    assert found.notice is None
    assert found.tokens is not None
    assert found.tokens.tolist() == [False] * count + [True] * (len(tokenize(text)) - count)


def test_a_long_text_is_an_article() -> None:
    assert finding(WALL * 3, "en").notice == "consent"
    assert finding(WALL * (CHARS_MAX // len(WALL) + 1), "en") == Finding(None, None)


@settings(max_examples=100)
@given(st.text(), st.sampled_from(LANGUAGES))
@example("QZXQZXQ", "en")
def test_any_text_can_be_analysed(text: str, language: str) -> None:
    found = finding(f"cookie javascript {text}", language)
    assert found.tokens is None or len(found.tokens) == len(tokenize(f"cookie javascript {text}"))
