"""How two texts compare, against the same measures on plain sets of words."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.core.dedup.fingerprint import NO_HASHES, TOKENS_MAX, Fingerprint, compute_fingerprint
from stream.core.dedup.fingerprint import WORDS as PARAMS
from stream.core.dedup.similarity import OPENING_LONGER, OPENING_SHORTER, ComparedText, Similarity, find_boilerplate
from stream.core.folding import Mask

# Few tokens, so that texts share runs of them.
VOCABULARY = {"words": [*"abcdef", "10", "25", "31"], "characters": [*"新闻今天日本国人"]}
RUN = {"words": 3, "characters": 5}
WINDOW = PARAMS.window
JOINT = {"words": " ", "characters": ""}
KINDS = list(VOCABULARY)
WORDS = st.lists(st.sampled_from(VOCABULARY["words"]), max_size=40)
LONG_WORDS = st.integers(0, 9).map(lambda first: [f"{chr(97 + n % 23)}{chr(97 + n % 19)}" for n in range(first, 150)])
MARKS = st.sets(st.integers(0, 45))


class Measures(NamedTuple):
    """The figures of a `Similarity`."""

    tokens: int
    covered_tokens: int
    containment: float
    changed_share: float
    jaccard: float
    number_changes: int
    new_number_changes: int
    shared_numbers_share: float | None
    has_other_numbers: bool
    length_ratio: float
    is_longer: bool
    is_opening: bool
    shares_opening: bool


def measures(similarity: Similarity) -> Measures:
    """Return all figures of ``similarity``."""
    return Measures(*(getattr(similarity, name) for name in Measures._fields))


def text_of(words: list[str], kind: str = "words", marks: set[int] | None = None) -> ComparedText:
    """Return ``words`` as a text; the tokens at ``marks`` are boilerplate."""
    fingerprinted = compute_fingerprint(JOINT[kind].join(words), None)
    assert fingerprinted.tokens == len(words)
    mask = np.array([i in (marks or ()) for i in range(len(fingerprinted.sequence))], dtype=np.bool_)
    return ComparedText(fingerprinted, mask if marks else None)


def similarity_of(first: str, second: str) -> Similarity:
    """Return how one text compares with another."""
    return ComparedText(compute_fingerprint(first, None)).similarity_to(ComparedText(compute_fingerprint(second, None)))


def runs_of(words: list[str], size: int) -> list[tuple[str, ...]]:
    """Return the runs of ``size`` words in order."""
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


def size_for(first: list[str], second: list[str], kind: str) -> int:
    """Return how many tokens a run has when two texts are compared."""
    return max(1, min(RUN[kind], len(first), len(second)))


def covered_indices(words: list[str], runs: set[tuple[str, ...]], size: int) -> set[int]:
    """Return the indices of words that stand in one of ``runs``."""
    starts = [start for start, run in enumerate(runs_of(words, size)) if run in runs]
    return {i for start in starts for i in range(start, start + size)}


def expected_measures(first: list[str], second: list[str], kind: str, marks: set[int]) -> Measures:
    """Return how ``first``, whose boilerplate is at ``marks``, compares with ``second``."""
    size = size_for(first, second, kind)
    runs, second_runs = set(runs_of(first, size)), set(runs_of(second, size))
    marked_runs = {run for start, run in enumerate(runs_of(first, size)) if {*range(start, start + size)} <= marks}
    sides = [
        (first, covered_indices(first, second_runs, size), marks & {*range(len(first))}),
        (second, covered_indices(second, runs, size), covered_indices(second, marked_runs, size)),
    ]
    is_longer = len(first) > len(second)
    (shorter, covered, left_out), (longer, covered_longer, left_out_longer) = sides[::-1] if is_longer else sides
    tokens, covered_count = len(shorter) - len(left_out), len(covered - left_out)
    total, shared = tokens + len(longer) - len(left_out_longer), covered_count + len(covered_longer - left_out_longer)
    numbers, numbers_longer = ({word for word in words if word.isdigit()} for words in (shorter, longer))
    fewest = min(len(numbers), len(numbers_longer))
    opening = runs_of(shorter, size)[:OPENING_SHORTER]
    opening_longer = set(runs_of(longer, size)[:OPENING_LONGER])
    return Measures(
        tokens=tokens,
        covered_tokens=covered_count,
        containment=covered_count / tokens if tokens else 0.0,
        changed_share=(total - shared) / total if total else 0.0,
        jaccard=len(runs & second_runs) / len(runs | second_runs) if runs | second_runs else 0.0,
        number_changes=changes_with_number(shorter, covered),
        new_number_changes=changes_with_number(shorter, covered, ignored=numbers_longer),
        shared_numbers_share=len(numbers & numbers_longer) / fewest if fewest else None,
        has_other_numbers=numbers != numbers_longer,
        length_ratio=len(shorter) / len(longer) if longer else 1.0,
        is_longer=is_longer,
        is_opening=bool(opening) and 2 * sum(run in opening_longer for run in opening) >= len(opening),
        shares_opening=any(
            bool(words) and 2 * len(indices & {*range(OPENING_SHORTER)}) >= min(len(words), OPENING_SHORTER)
            for words, indices in ((shorter, covered), (longer, covered_longer))
        ),
    )


def changes_with_number(words: list[str], covered: set[int], ignored: AbstractSet[str] = frozenset()) -> int:
    """Return how many runs of uncovered words hold a number that is not in ``ignored``."""
    stretches = groupby(enumerate(words), key=lambda item: item[0] in covered)
    return sum(
        any(word.isdigit() and word not in ignored for _, word in run)
        for is_covered, run in stretches
        if not is_covered
    )


def test_the_vocabulary_has_a_token_for_each_word() -> None:
    """Or the exact measures would not be those of the texts."""
    for words in VOCABULARY.values():
        assert len({compute_fingerprint(word, None).sequence.tobytes() for word in words}) == len(words)


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_the_measures_are_those_of_plain_sets(kind: str, data: st.DataObject) -> None:
    words = st.lists(st.sampled_from(VOCABULARY[kind]), max_size=40)
    first, more = data.draw(words), data.draw(words)
    second = data.draw(st.sampled_from([more, first[5:] + more + first[:20], more + first]))
    similarity = text_of(first, kind).similarity_to(text_of(second, kind))
    assert measures(similarity) == expected_measures(first, second, kind, set())


@given(WORDS, WORDS, MARKS)
@example(list("abcdef"), list("abcdef"), {0, 1, 2})
@example(list("abc"), list("xabcd"), {0, 1, 2})
def test_boilerplate_is_left_out_on_both_sides(first: list[str], second: list[str], marks: set[int]) -> None:
    marks &= {*range(len(first))}
    similarity = text_of(first, marks=marks).similarity_to(text_of(second))
    assert measures(similarity) == expected_measures(first, second, "words", marks)


@given(WORDS | LONG_WORDS, WORDS | LONG_WORDS, MARKS)
def test_all_shares_are_between_none_and_all(first: list[str], second: list[str], marks: set[int]) -> None:
    similarity = text_of(first, marks=marks).similarity_to(text_of(second))
    shares = (
        similarity.containment,
        similarity.changed_share,
        similarity.jaccard,
        similarity.length_ratio,
        similarity.shared_numbers_share or 0.0,
    )
    assert all(0 <= share <= 1 for share in shares)
    assert 0 <= similarity.covered_tokens <= similarity.tokens


@given(WORDS | LONG_WORDS, WORDS | LONG_WORDS)
def test_it_does_not_matter_which_text_came_first(first: list[str], second: list[str]) -> None:
    """Of two texts of one length, the later one counts as the shorter."""
    forward, backward = (
        measures(incoming.similarity_to(existing))
        for incoming, existing in both_orders(text_of(first), text_of(second))
    )
    assert (forward.changed_share, forward.jaccard, forward.shared_numbers_share) == (
        backward.changed_share,
        backward.jaccard,
        backward.shared_numbers_share,
    )
    assert not (forward.is_longer and backward.is_longer)
    if len(first) != len(second):
        assert forward._replace(is_longer=backward.is_longer) == backward
        assert forward.is_longer is not backward.is_longer


def both_orders(first: ComparedText, second: ComparedText) -> list[tuple[ComparedText, ComparedText]]:
    """Return both in either order."""
    return [(first, second), (second, first)]


@given(WORDS | LONG_WORDS)
def test_a_text_is_all_of_itself(words: list[str]) -> None:
    similarity, share = text_of(words).similarity_to(text_of(words)), 1.0 if words else 0.0
    assert (similarity.containment, similarity.changed_share, similarity.length_ratio, similarity.jaccard) == (
        share,
        0.0,
        1.0,
        share,
    )
    assert (similarity.number_changes, similarity.is_longer, similarity.is_opening) == (0, False, bool(words))


def test_one_exchanged_word_costs_one_token() -> None:
    words = "the harbour of the old town opens again on monday after a long and stormy winter".split()
    similarity = text_of(words).similarity_to(text_of([*words[:7], "friday", *words[8:]]))
    assert (similarity.tokens, similarity.covered_tokens, similarity.changed_share) == (16, 15, 1 / 16)


def test_texts_shorter_than_a_run_are_compared_whole() -> None:
    assert similarity_of("storm warning", "a storm warning today").containment == 1.0
    assert similarity_of("warning storm", "a storm warning today").containment == 0.0
    assert similarity_of("storm", "the storm is over").containment == 1.0


def test_an_empty_text_is_like_nothing() -> None:
    similarity = similarity_of("", "the storm is over")
    assert (similarity.containment, similarity.length_ratio, similarity.is_opening) == (0.0, 0.0, False)
    empty = similarity_of("", "")
    assert (empty.containment, empty.changed_share, empty.length_ratio) == (0.0, 0.0, 1.0)


def test_a_text_of_characters_is_compared_with_words_by_shorter_runs() -> None:
    similarity = similarity_of("新闻今 a b c d e", "a b c 新闻今天日本国")
    assert (similarity.tokens, similarity.covered_tokens) == (8, 6)


@pytest.mark.parametrize(
    ("later", "earlier", "changes"),
    [
        ("a b c 10 d e f 25 a b c", "a b c 11 d e f 26 a b c", 2),
        ("a b c 10 12 x 13 d e f", "a b c 11 d e f g h i j", 1),
        ("a b c 10 d e f", "a b c 10 d e f", 0),
        ("a b c x d e f", "a b c y d e f", 0),
        ("10 a b c d e f 25", "11 a b c d e f 26", 2),
    ],
)
def test_numbers_that_changed_are_counted_by_place(later: str, earlier: str, changes: int) -> None:
    assert (
        similarity_of(later, earlier).number_changes == changes
        or similarity_of(earlier, later).number_changes == changes
    )


@pytest.mark.parametrize(
    ("later", "earlier", "changes"),
    [
        ("a b c 10 d e f 25 a b c", "a b c 25 x d e f 26 a b c", (2, 1)),
        ("a b c 10 12 x 13 d e f", "10 12 13 a b c x d e f g", (1, 0)),
        ("a b c 10 12 d e f", "10 a b c d e f g h", (1, 1)),
    ],
)
def test_a_number_that_is_elsewhere_was_only_moved(later: str, earlier: str, changes: tuple[int, int]) -> None:
    similarity = similarity_of(later, earlier)
    assert (similarity.number_changes, similarity.new_number_changes) == changes


@pytest.mark.parametrize(
    ("later", "earlier", "share"),
    [
        ("rose by 10 to 25", "fell by 10 to 31", 0.5),
        ("rose by 10 to 25", "in 25 towns 10 of 31 rose", 1.0),
        ("rose by 10", "rose by 11", 0.0),
        ("rose by ten", "rose by 10", None),
        ("10 10 10 25", "10 31", 0.5),
        ("سجل ٢٥ هدفا", "25 goals", 1.0),
    ],
)
def test_known_numbers_are_a_share_of_the_fewer(later: str, earlier: str, share: float | None) -> None:
    assert similarity_of(later, earlier).shared_numbers_share == share
    assert similarity_of(earlier, later).shared_numbers_share == share


@pytest.mark.parametrize(
    ("title", "title_before", "has_other_names"),
    [
        ("ambassador from westmark", "ambassador from lowland", True),
        ("ambassador from westmark", "ambassador received", False),
        ("ambassador received", "ambassador from lowland", False),
        ("exclusive today", "read more here", False),
        (None, "ambassador from lowland", False),
    ],
)
def test_other_names_are_those_of_both_titles(title: str | None, title_before: str, has_other_names: bool) -> None:
    """They count only where the title's own text has them and the other text has not."""
    later = ComparedText(compute_fingerprint("the minister received the ambassador from westmark", title))
    before = ComparedText(compute_fingerprint("the minister received the ambassador from lowland", title_before))
    assert later.similarity_to(before).has_other_names is has_other_names


def test_only_the_first_tokens_are_compared_but_all_count_for_the_length() -> None:
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(2 * TOKENS_MAX)]
    full, half = text_of(words), text_of(words[:TOKENS_MAX])
    similarity = half.similarity_to(full)
    assert (similarity.tokens, similarity.covered_tokens, similarity.changed_share, similarity.length_ratio) == (
        TOKENS_MAX,
        TOKENS_MAX,
        0.0,
        0.5,
    )


@pytest.mark.parametrize(("i", "is_opening"), [(0, True), (52, True), (53, False), (80, False)])
def test_an_opening_must_be_near_the_beginning_of_the_longer_text(i: int, is_opening: bool) -> None:
    """Of 24 runs, 12 have to begin among the first 64."""
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}x" for n in range(200)]
    similarity = text_of(words[i : i + 40]).similarity_to(text_of(words))
    assert (similarity.containment, similarity.is_opening) == (1.0, is_opening)


OWN = "the mayor of saltmere opened a bridge that fishermen had asked for since the great flood carried the old one off"
OTHER = "our gardens win a prize that nobody expected at all this spring and the town thanks everyone who watered them"
BELOW = (
    "this notice stands below every article of the paper and says the same each day so that readers know where to turn "
    "with praise or blame follow us on all channels that you like and write to the editors whenever you please copying "
    "whole pages without asking is forbidden but short passages may be quoted when their source is named beside them "
    "subscribers read everything without advertising and pay less for a year than others spend on coffee in a month"
)


def expected_boilerplate(fingerprinted: Fingerprint, common: set[int]) -> list[bool]:
    """Return the tokens in common anchors and between neighbouring ones."""
    size, shingles = fingerprinted.params.anchor, fingerprinted.shingles.tolist()
    anchors = [i for i, value in enumerate(shingles) if value in set(fingerprinted.anchors.tolist())]
    marked = {i for i in anchors if shingles[i] in common}
    for anchor, following in pairwise(anchors):
        if {anchor, following} <= marked:
            marked |= {*range(anchor, following)}
    return [any(start in marked for start in range(i - size + 1, i + 1)) for i in range(fingerprinted.tokens)]


@given(st.permutations([OWN, OTHER, BELOW]), st.data())
def test_boilerplate_is_in_common_anchors_and_between_them(parts: list[str], data: st.DataObject) -> None:
    fingerprinted = compute_fingerprint(" ".join(parts), None)
    common = data.draw(st.sets(st.sampled_from(fingerprinted.anchors.tolist()), min_size=1))
    mask = find_boilerplate(fingerprinted, np.array(sorted(common), dtype=np.uint64))
    assert mask is not None
    assert mask.tolist() == expected_boilerplate(fingerprinted, common)


def test_a_footer_that_many_articles_have_is_boilerplate_and_the_article_is_not() -> None:
    """Up to a window of it is left at each end, where its first and last anchors are not known."""
    mask = marked(f"{OWN} {BELOW}", BELOW)
    own, below = len(OWN.split()), len(BELOW.split())
    assert not mask[:own].any()
    assert mask[own + WINDOW : -WINDOW].all()
    assert own + 2 * WINDOW < own + below == len(mask)


def marked(text: str, common: str) -> Mask:
    """Return the boilerplate of ``text`` where all anchors of ``common`` are."""
    mask = find_boilerplate(compute_fingerprint(text, None), compute_fingerprint(common, None).anchors)
    assert mask is not None
    return mask


def test_without_common_anchors_there_is_no_boilerplate() -> None:
    assert find_boilerplate(compute_fingerprint(OWN, None), NO_HASHES) is None
    assert not marked(OWN, BELOW).any()


@pytest.mark.parametrize("text", ["", "one", "one two three", "新闻今"])
def test_texts_shorter_than_an_anchor_are_boilerplate_whole_or_not_at_all(text: str) -> None:
    assert marked(text, text or OWN).tolist() == [True] * compute_fingerprint(text, None).tokens
    assert not marked(text, OWN).any()


def test_texts_that_share_boilerplate_alone_have_little_in_common() -> None:
    incoming = compute_fingerprint(f"{OWN} {BELOW}", None)
    others = ComparedText(compute_fingerprint(f"{OTHER} {BELOW}", None))
    assert ComparedText(incoming).similarity_to(others).containment > 0.75
    similarity = ComparedText(
        incoming, find_boilerplate(incoming, compute_fingerprint(BELOW, None).anchors)
    ).similarity_to(others)
    assert similarity.containment < 0.6
    assert similarity.tokens < 60
