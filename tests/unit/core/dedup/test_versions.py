"""Which earlier article an incoming one is a version of."""

from __future__ import annotations

import dataclasses
from typing import Final

import pytest

from stream.core.contracts.events import Relation
from stream.core.dedup.articles import IndexedArticle
from stream.core.dedup.versions import find_known_version
from tests.support.stories import SCRIPTS, STORIES, earlier, story, subject

#: Two texts that are versions of each other, and one that is not.
FIRST: Final = story("Arabic")
EDITED: Final = STORIES["Arabic"]["reprint"]
OTHER: Final = story("Latin")
#: The id of an article that came without one.
PAGE: Final = "url-" + 24 * "0"


def known(name: str, text: str, relation: Relation = "new") -> IndexedArticle:
    """An article from the index with the id ``name``."""
    return dataclasses.replace(earlier(text), id=name, relation=relation)


@pytest.mark.parametrize(
    ("incoming", "same_page", "expected"),
    [
        (("a", OTHER), [("a", FIRST)], 0),
        (("a", FIRST), [("b", OTHER)], None),
        (("a", FIRST), [("b", EDITED)], 0),
        (("a", FIRST), [("b", FIRST), ("a", OTHER)], 1),
        (("a", FIRST), [("b", OTHER), ("c", EDITED), ("d", EDITED)], 1),
        ((PAGE, OTHER), [("a", FIRST)], 0),
        (("a", OTHER), [(PAGE, FIRST)], 0),
        ((PAGE, EDITED), [("b", OTHER), ("a", FIRST)], 1),
        ((PAGE, FIRST), [("b", EDITED), ("a", FIRST)], 1),
        ((PAGE, OTHER), [("b", EDITED), ("a", FIRST)], None),
        ((PAGE, OTHER), [(PAGE, EDITED), ("a", FIRST)], None),
        ((PAGE, OTHER), [(PAGE, FIRST)], 0),
        (("a", FIRST), [(PAGE, EDITED), ("b", OTHER), ("a", FIRST)], 0),
        (("a", FIRST), [(PAGE, OTHER), ("a", EDITED)], 1),
        (("url-2", OTHER), [("url-1", FIRST)], None),
        (("a", FIRST), [], None),
    ],
    ids=[
        "the same id, whatever the text",
        "another id and another text at one URL",
        "another id and a version of the text",
        "the same id before the same text",
        "the newest with a version of the text",
        "no id, and the only article at the URL",
        "the only article at the URL, without an id",
        "no id, and several articles at the URL",
        "no id, and the same text before a newer version",
        "no id, and no version of the text among several",
        "no id as before, and no version of the text among several",
        "no id as before, and the only article at the URL",
        "a newer version without an id",
        "a newer page without an id and with another text",
        "ids of producers that begin like those made from URLs",
        "nothing there",
    ],
)
def test_the_known_version(incoming: tuple[str, str], same_page: list[tuple[str, str]], expected: int | None) -> None:
    articles = [known(name, text) for name, text in same_page]
    version = find_known_version(subject(incoming[1], name=incoming[0]), articles)
    assert version is (None if expected is None else articles[expected])


@pytest.mark.parametrize("script", SCRIPTS)
def test_two_posts_of_one_page_are_not_versions_in_any_script(script: str) -> None:
    post, next_post = story(script, 0, 1), story(script, 3, 4)
    assert find_known_version(subject(next_post, name="b"), [known("a", post)]) is None


def test_an_outdated_version_is_never_the_known_one() -> None:
    newest = known("a", FIRST)
    outdated = known("a", EDITED, relation="outdated")
    assert find_known_version(subject(EDITED, name="a"), [outdated, newest]) is newest


def test_no_more_is_read_than_necessary() -> None:
    articles = iter([known("a", FIRST), known("a", OTHER)])
    find_known_version(subject(FIRST, name="a"), articles)
    assert len(list(articles)) == 1
