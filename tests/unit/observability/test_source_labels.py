"""Which sources get a label of their own: a bounded number, whatever events contain."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.observability.source_labels import (
    LABELLED_SOURCES_MAX,
    OTHER,
    RECENT_ARTICLES,
    SHARE_MIN,
    SOURCE_CHARS_MAX,
    SourceLabels,
    host_label,
)

NEEDED = int(SHARE_MIN * RECENT_ARTICLES)


def labels(sources: SourceLabels, domain: str | None, times: int) -> list[str]:
    """The labels of ``times`` articles of one domain."""
    return [sources.label(domain) for _ in range(times)]


def test_a_source_gets_its_label_when_it_reaches_its_share() -> None:
    sources = SourceLabels()
    assert labels(sources, "paper.example", NEEDED + 2) == [OTHER] * (NEEDED - 1) + ["paper.example"] * 3


def test_old_articles_do_not_count() -> None:
    sources = SourceLabels()
    for number in range(5 * RECENT_ARTICLES):  # half a per cent
        assert sources.label("small.example" if number % 200 == 0 else f"n{number}.example") == OTHER


def test_a_source_keeps_its_label() -> None:
    sources = SourceLabels()
    labels(sources, "paper.example", NEEDED)
    labels(sources, "large.example", 3 * RECENT_ARTICLES)
    assert sources.label("paper.example") == "paper.example"


def test_the_number_of_labels_is_bounded() -> None:
    sources = SourceLabels()
    for number in range(LABELLED_SOURCES_MAX + 20):
        labels(sources, f"n{number}.example", NEEDED)
    names = {sources.label(f"N{number}.example") for number in range(LABELLED_SOURCES_MAX + 20)}
    assert names == {f"n{number}.example" for number in range(LABELLED_SOURCES_MAX)} | {OTHER}
    assert labels(sources, "late.example", NEEDED + 1) == [OTHER] * (NEEDED + 1)


def test_memory_is_bounded() -> None:
    sources = SourceLabels()
    for number in range(3 * RECENT_ARTICLES):
        sources.label(f"n{number}.example")
    assert sources.sizes == (RECENT_ARTICLES, RECENT_ARTICLES)


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
def test_only_host_names_become_labels(domain: str | None, label: str) -> None:
    assert host_label(domain) == label


@given(st.text(max_size=300))
def test_every_label_is_short_and_safe(domain: str) -> None:
    label = host_label(domain)
    assert label == OTHER or "." in label
    assert len(label) <= SOURCE_CHARS_MAX
    assert label.isprintable()
    assert not set(label) & set('"\\{}=, \n')
    label.encode()


def test_thousands_of_hostile_names_get_no_label() -> None:
    generator = random.Random(7)  # noqa: S311 - names, not secrets
    sources = SourceLabels()
    for _ in range(20_000):
        name = "".join(map(chr, (generator.randrange(0x300) for _ in range(generator.randrange(1, 40)))))
        assert sources.label(f"{name}.example") == OTHER
