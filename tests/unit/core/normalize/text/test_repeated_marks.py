"""Repeated marks, broken words and disguised addresses are fixed; more cases are in cases/text_fixes.jsonl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.text import repeated_marks


@pytest.mark.parametrize(
    ("text", "short", "count"),
    [
        ("لماذا؟؟؟ نعم!!", "لماذا؟ نعم!", 2),
        ("حقاً؟!! نعم", "حقاً؟! نعم", 1),
        ("真的？？！！", "真的？！", 2),
        ("Bogot??a a???b", "Bogot??a a???b", 0),
        ("so ??? and ??", "so ? and ?", 2),
    ],
)
def test_repeated_emphasis_becomes_one_mark(text: str, short: str, count: int) -> None:
    assert repeated_marks.shorten_emphasis(text) == (short, count)


@pytest.mark.parametrize(
    ("text", "short"),
    [("كذا،، ثم،،،", "كذا، ثم،"), ("so,, he", "so, he"), (",,Ja“, 9,,100", ",,Ja“, 9,,100"), ("a;; b", "a; b")],
)
def test_repeated_pauses_become_one_mark(text: str, short: str) -> None:
    assert repeated_marks.shorten_pauses(text)[0] == short


@pytest.mark.parametrize(
    ("text", "short"),
    [("a.... b", "a... b"), ("a.. b...", "a.. b..."), ("就会......字", "就会......字"), ("........", "...")],
)
def test_an_ellipsis_has_three_dots(text: str, short: str) -> None:
    assert repeated_marks.shorten_dots(text)[0] == short


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        ("anti-\naircraft", "anti-aircraft", 1),
        ("govern-\nment and government", "government and government", 1),
        ("well-\nknown and well-known", "well-known and well-known", 1),
        ("eröff-\nnet, Gar-\nten, Blu-\nme", "eröffnet, Garten, Blume", 3),
        ("higher-than-\nexpected", "higher-than-expected", 1),
        ("Vor-\nund Nachteile", "Vor-\nund Nachteile", 0),
        ("end-\nJanuary", "end-\nJanuary", 0),
        ("a-\nb 5-\nsix -\nseven", "a-\nb 5-\nsix -\nseven", 0),
    ],
)
def test_a_broken_word_is_joined(text: str, expected: str, count: int) -> None:
    assert repeated_marks.join_broken_words(text) == (expected, count)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name (at) example.org", "name@example.org"),
        ("name[at]mail[dot]example[dot]org", "name@mail.example.org"),
        ("name @ example.org", "name@example.org"),
        ("hxxps://bad[.]example.org", "https://bad.example.org"),
        ("https:// example.org", "https://example.org"),
        ("look (at) home. Then", "look (at) home. Then"),
        ("@desk at home", "@desk at home"),
        ("a [.] b, point (dot)", "a [.] b, point (dot)"),
    ],
)
def test_disguised_addresses_are_restored(text: str, expected: str) -> None:
    assert repeated_marks.restore_addresses(text)[0] == expected


@given(st.text("!?؟،,;.ab字 \n-", max_size=40))
def test_letters_never_change(text: str) -> None:
    for step in (
        repeated_marks.shorten_emphasis,
        repeated_marks.shorten_pauses,
        repeated_marks.shorten_dots,
        repeated_marks.join_broken_words,
    ):
        changed, count = step(text)
        assert (count > 0) == (changed != text)
        assert [c for c in changed if c.isalpha()] == [c for c in text if c.isalpha()]
