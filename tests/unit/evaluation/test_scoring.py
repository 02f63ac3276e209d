"""Evaluation: pairs through the whole core, counted against their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.evaluation.explanation import explain
from stream.evaluation.labelled_pairs import Pair, RowError, read_pair
from stream.evaluation.scoring import MISTAKES, DecidedPair, Scores, decide_in_one_index, decide_pairs
from tests.support.articles import BRIDGE, BRIDGE_EDITED, BRIDGE_TEASER, FLOOD, FLOOD_RESET, HARVEST, generate_articles

URL = "https://paper.example/bridge"


def pairs(*rows: dict[str, Any]) -> list[Pair]:
    """Rows as they are read from a file."""
    return [read_pair(orjson.dumps(row), f"p:{number}", number=number) for number, row in enumerate(rows, 1)]


def scores(decided_pairs: Sequence[DecidedPair]) -> Scores:
    """All of them counted."""
    total = Scores()
    for pair in decided_pairs:
        total.add(pair)
    return total


#: Two texts, the label, the decision, and what is wrong with it.
DECISIONS: list[tuple[str, str, dict[str, Any], str, str | None]] = [
    (BRIDGE, BRIDGE_EDITED, {"is_duplicate": 1}, "near_copy", None),
    (BRIDGE, BRIDGE_TEASER, {"is_duplicate": 1}, "excerpt", None),
    (BRIDGE_TEASER, BRIDGE, {"is_duplicate": 1}, "expansion", None),
    (BRIDGE, BRIDGE_EDITED, {"label": "update", "url": URL}, "revision", None),
    (BRIDGE, BRIDGE_EDITED, {"label": "update"}, "near_copy", None),
    (FLOOD, FLOOD_RESET, {"relation": "copy"}, "copy", None),
    (FLOOD, FLOOD_RESET, {"relation": "near_copy"}, "copy", "other relation"),
    (BRIDGE, HARVEST, {"is_duplicate": 0}, "new", None),
    (BRIDGE, HARVEST, {"label": 0}, "new", None),
    (BRIDGE, HARVEST, {"is_duplicate": 1}, "new", "missed"),
    (BRIDGE, HARVEST, {"relation": "excerpt"}, "new", "missed"),
    (BRIDGE, BRIDGE, {"label": 0}, "copy", "false link"),
    (BRIDGE, BRIDGE, {"label": 1}, "copy", None),
    (BRIDGE, BRIDGE, {"is_duplicate": None}, "copy", None),
    # Articles of two languages never meet.
    (BRIDGE, FLOOD, {"is_duplicate": 1}, "new", "missed"),
]


@pytest.mark.parametrize(("first", "second", "label", "decision", "mistake"), DECISIONS)
def test_a_decision_is_compared_with_the_label(
    first: str, second: str, label: dict[str, Any], decision: str, mistake: str | None
) -> None:
    (decided,) = decide_pairs(pairs({"a": {"text": first}, "b": {"text": second}, **label}))
    assert (decided.decision, decided.mistake) == (decision, mistake)
    assert mistake is None or mistake in MISTAKES


def test_pairs_never_meet() -> None:
    rows = [{"a": {"id": "a", "text": BRIDGE}, "b": {"id": "b", "text": HARVEST}, "is_duplicate": 0}] * 450
    counted = scores(list(decide_pairs(pairs(*rows))))
    assert counted.true_apart == counted.pairs == 450


def test_dates_hide_nothing() -> None:
    old, new = ({"text": BRIDGE, "date": date, "fetched_at": date} for date in ("1987-01-01", "2026-01-01"))
    (decided,) = decide_pairs(pairs({"a": old, "b": new, "is_duplicate": 1}))
    assert decided.decision == "copy"
    assert decided.first.published_at == "1987-01-01T00:00:00.000Z"


def test_evaluate_and_explain_agree() -> None:
    texts = [event["text"] for event in generate_articles(40, seed=7)]
    labelled_pairs = pairs(*({"a": {"text": a}, "b": {"text": b}, "label": 1} for a in texts[:8] for b in texts[:8]))
    for decided in decide_pairs(labelled_pairs):
        alone = explain(decided.pair.first, decided.pair.second).second.duplicate
        assert (decided.second.duplicate.relation, decided.second.duplicate.jaccard) == (alone.relation, alone.jaccard)


def test_an_article_that_the_core_rejects_is_a_bad_row() -> None:
    (pair,) = pairs({"a": {"text": BRIDGE}, "b": {"text": "\u200b\u2060"}, "is_duplicate": 0})
    for decide in (decide_pairs, decide_in_one_index):
        with pytest.raises(RowError, match=r"^p:1: missing_content: "):
            list(decide([pair]))


def test_scores_count_links_as_positive() -> None:
    counted = scores(
        list(
            decide_pairs(
                pairs(*({"a": {"text": a}, "b": {"text": b}, **label} for a, b, label, *_ in DECISIONS)),
            )
        )
    )
    assert (counted.pairs, counted.left_out, counted.labelled) == (15, 2, 13)
    assert (counted.true_links, counted.false_links, counted.missed, counted.true_apart) == (7, 1, 3, 2)
    assert counted.precision == 7 / 8
    assert counted.recall == 7 / 10
    assert counted.f1 == pytest.approx(2 * 7 / 8 * 7 / 10 / (7 / 8 + 7 / 10))
    assert (counted.relations_right, counted.relations_named) == (2, 3)
    assert counted.confusion["linked"] == {"near_copy": 2, "excerpt": 1, "expansion": 1, "new": 2}
    assert counted.confusion["new"] == {"new": 2, "copy": 1}
    assert counted.confusion["left out"] == {"copy": 2}


def test_shares_of_nothing_are_none() -> None:
    assert (Scores().precision, Scores().recall, Scores().f1) == (None, None, None)
    result = scores(list(decide_pairs(pairs({"a": {"text": BRIDGE}, "b": {"text": HARVEST}, "label": 0}))))
    assert (result.precision, result.recall, result.f1) == (None, None, None)
    assert Scores(false_links=1).f1 == 0
    assert Scores(missed=1).f1 == 0


@given(st.lists(st.sampled_from(range(len(DECISIONS))), max_size=6), st.integers(0, 6))
def test_scores_of_two_files_add_up(chosen: list[int], split: int) -> None:
    def scores_of(indices: list[int]) -> Scores:
        return scores([ALL[i] for i in indices])

    assert scores_of(chosen[:split]) + scores_of(chosen[split:]) == scores_of(chosen)


ALL = list(decide_pairs(pairs(*({"a": {"text": a}, "b": {"text": b}, **label} for a, b, label, *_ in DECISIONS))))

# All pairs in one index


def excerpt(long: str, short: str) -> dict[str, Any]:
    """A row of an article and its teaser."""
    return {"long": long, "short": short}


def test_together_each_finds_its_own() -> None:
    rows = [excerpt(BRIDGE, BRIDGE_TEASER), excerpt(FLOOD, FLOOD.split("\n")[0]), excerpt(HARVEST, HARVEST[:220])]
    decided = list(decide_in_one_index(pairs(*rows)))
    assert [pair.decision for pair in decided] == ["excerpt"] * 3
    counted = scores(decided)
    assert (counted.true_links, counted.cross_links, counted.first_links) == (3, 0, 0)


def test_together_a_link_to_another_pair_is_a_cross_link() -> None:
    rows = [excerpt(BRIDGE, BRIDGE_TEASER), excerpt(HARVEST, BRIDGE_EDITED)]
    first, second = decide_in_one_index(pairs(*rows))
    assert first.mistake is None
    assert (second.decision, second.mistake, second.is_linked) == ("cross link", "cross link", False)
    assert second.other == first.first
    counted = scores([first, second])
    assert (counted.precision, counted.recall) == (0.5, 0.5)
    assert counted.confusion == {"excerpt or expansion": {"excerpt": 1, "cross link": 1}}


def test_together_links_of_first_articles_are_counted_apart() -> None:
    rows = [excerpt(BRIDGE, BRIDGE_TEASER), excerpt(BRIDGE_EDITED, BRIDGE_EDITED[:400])]
    first, second = decide_in_one_index(pairs(*rows))
    assert (first.first_other, second.first_other) == (None, first.first)
    # The second pair's articles are in one cluster: that of the first pair.
    assert second.mistake is None
    assert scores([first, second]).first_links == 1


def test_together_an_item_that_keeps_a_cluster_of_its_own_is_linked_to_its_article() -> None:
    item = " ".join(BRIDGE.split()[-60:])
    (decided,) = decide_in_one_index(pairs(excerpt(BRIDGE, item)))
    assert decided.first.duplicate.cluster_id != decided.second.duplicate.cluster_id
    assert (decided.decision, decided.mistake, decided.other) == ("excerpt", None, None)


def test_together_a_relation_counts_for_the_article_that_it_relates_to() -> None:
    rows = [excerpt(BRIDGE, BRIDGE_TEASER), excerpt(BRIDGE, BRIDGE_TEASER), excerpt(HARVEST, HARVEST)]
    decided = list(decide_in_one_index(pairs(*rows)))
    # The second teaser is a copy of the first one; the third row's is one of its own article.
    assert [pair.decision for pair in decided] == ["excerpt", "copy", "copy"]
    assert [pair.mistake for pair in decided] == [None, None, "other relation"]
    counted = scores(decided)
    assert (counted.relations_named, counted.relations_right) == (2, 1)


def test_together_an_article_in_several_rows_is_known_again() -> None:
    rows = [
        {"a": {"id": "x", "text": BRIDGE}, "b": {"id": "y", "text": HARVEST}, "label": 0},
        {"a": {"id": "x", "text": BRIDGE}, "b": {"id": "y", "text": HARVEST}, "label": 0},
        {"a": {"id": "y", "text": HARVEST}, "b": {"id": "x", "text": BRIDGE}, "label": 0},
    ]
    decided = list(decide_in_one_index(pairs(*rows)))
    counted = scores(decided)
    assert (counted.true_apart, counted.cross_links, counted.first_links) == (3, 0, 0)
    assert [pair.decision for pair in decided] == ["new"] * 3
