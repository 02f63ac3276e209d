"""Which sources are told by name: those that count, a bounded number, whatever names events have."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.observability.source_labels import (
    OTHER,
    RECENT_ARTICLES,
    SHARE_MIN,
    SOURCE_CHARS_MAX,
    SOURCES_MAX,
    SourceLabels,
    host,
)

NEEDED = int(SHARE_MIN * RECENT_ARTICLES)


def labels(sources: SourceLabels, domain: str | None, times: int) -> list[str]:
    """What so many articles of a domain count as."""
    return [sources.label(domain) for _ in range(times)]


def test_a_source_has_a_name_from_its_share_on() -> None:
    sources = SourceLabels()
    assert labels(sources, "paper.example", NEEDED + 2) == [OTHER] * (NEEDED - 1) + ["paper.example"] * 3


def test_what_a_source_made_long_ago_does_not_count() -> None:
    sources = SourceLabels()
    for number in range(5 * RECENT_ARTICLES):  # half a per cent
        assert sources.label("small.example" if number % 200 == 0 else f"n{number}.example") == OTHER


def test_a_source_keeps_its_name() -> None:
    sources = SourceLabels()
    labels(sources, "paper.example", NEEDED)
    labels(sources, "large.example", 3 * RECENT_ARTICLES)
    assert sources.label("paper.example") == "paper.example"


def test_only_so_many_have_a_name() -> None:
    sources = SourceLabels()
    for number in range(SOURCES_MAX + 20):
        labels(sources, f"n{number}.example", NEEDED)
    names = {sources.label(f"N{number}.example") for number in range(SOURCES_MAX + 20)}
    assert names == {f"n{number}.example" for number in range(SOURCES_MAX)} | {OTHER}
    assert labels(sources, "late.example", NEEDED + 1) == [OTHER] * (NEEDED + 1)


def test_memory_is_bounded() -> None:
    sources = SourceLabels()
    for number in range(3 * RECENT_ARTICLES):
        sources.label(f"n{number}.example")
    assert len(sources._recent) == RECENT_ARTICLES  # noqa: SLF001 - what would grow
    assert len(sources._counts) == RECENT_ARTICLES  # noqa: SLF001


@pytest.mark.parametrize(
    ("domain", "label"),
    [
        ("paper.example", "paper.example"),
        ("Paper.Example", "paper.example"),
        ("xn--mgbh0fb.example", "xn--mgbh0fb.example"),
        ("صحيفة.مثال", "صحيفة.مثال"),
        ("192.0.2.7", "192.0.2.7"),
        ("a_b.paper.example", "a_b.paper.example"),
        (None, OTHER),
        ("", OTHER),
        ("paper", OTHER),
        ("The Daily Example", OTHER),
        (".example", OTHER),
        ("paper..example", OTHER),
        ("-paper.example", OTHER),
        ("paper.example\n", OTHER),
        ('paper.example"} 1', OTHER),
        ("paper\0.example", OTHER),
        ("paper\u202e.example", OTHER),
        ("paper\ud800.example", OTHER),
        ("a" * 254, OTHER),
        (f"{'a' * 60}.{'b' * 60}.news.example", f"{'b' * 60}.news.example"),
        ("a" * 120 + ".example", OTHER),
    ],
)
def test_a_label_is_a_host(domain: str | None, label: str) -> None:
    assert host(domain) == label


@given(st.text(max_size=300))
def test_whatever_an_event_names_is_a_short_label_without_surprises(domain: str) -> None:
    label = host(domain)
    assert label == OTHER or "." in label
    assert len(label) <= SOURCE_CHARS_MAX
    assert label.isprintable()
    assert not set(label) & set('"\\{}=, \n')
    label.encode()


def test_thousands_of_hostile_names_get_none() -> None:
    generator = random.Random(7)  # noqa: S311 - names, no secrets
    sources = SourceLabels()
    for _ in range(20_000):
        name = "".join(map(chr, (generator.randrange(0x300) for _ in range(generator.randrange(1, 40)))))
        assert sources.label(f"{name}.example") == OTHER
