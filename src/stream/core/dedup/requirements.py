"""What two similar texts must have in common to be versions of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from stream.core.dedup.similarity import Similarity
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS, Thresholds


class Separation(NamedTuple):
    """How far apart two articles are.

    ``cluster_depth``: links between the earlier article and the first one of its cluster. ``hours``: hours
    between the two publication times.
    """

    cluster_depth: int = 0
    hours: float = 0.0

    def is_far_apart(self, thresholds: Thresholds) -> bool:
        """Whether the two were published too far apart for one to be a reprint of yesterday's news."""
        return self.hours > thresholds.far_apart_hours


NO_SEPARATION: Final = Separation()

Requirement = Callable[[Similarity, Separation, Thresholds], bool]


def first_failed_requirement(
    similarity: Similarity, separation: Separation = NO_SEPARATION, thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> str | None:
    """Name the first requirement that two texts do not meet, as a ``method``; None if they meet all of them."""
    return next((reason for reason, is_met in REQUIREMENTS if not is_met(similarity, separation, thresholds)), None)


def required_overlap(
    similarity: Similarity,
    separation: Separation = NO_SEPARATION,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    *,
    penalty: float = 0.0,
) -> float:
    """How many tokens of the shorter text must be in the longer one. ``penalty``: share added to the usual one."""
    share = required_share(similarity, separation, thresholds) + penalty
    return min(
        share * similarity.tokens + thresholds.overlap_base_tokens, thresholds.overlap_share_max * similarity.tokens
    )


def required_share(similarity: Similarity, separation: Separation, thresholds: Thresholds) -> float:
    """The usual share of the shorter text that must be in the longer one, without ``overlap_base_tokens``."""
    is_uncertain = not similarity.is_spaced or separation.cluster_depth > 0 or separation.is_far_apart(thresholds)
    links = separation.cluster_depth + (similarity.length_ratio < thresholds.much_shorter_ratio)
    return (
        thresholds.overlap_share_min + thresholds.penalty_uncertain * is_uncertain + thresholds.penalty_per_link * links
    )


def opening_penalty(similarity: Similarity, thresholds: Thresholds) -> float:
    """The penalty if neither text contains the opening of the other."""
    if similarity.length_ratio < thresholds.near_copy_ratio_min:
        return thresholds.penalty_no_shared_opening_short
    return thresholds.penalty_no_shared_opening_similar_length


def names_penalty(similarity: Similarity, separation: Separation, thresholds: Thresholds) -> float:
    """The penalty if each title has a word that only its own text contains."""
    penalty = thresholds.penalty_other_names + thresholds.penalty_other_names_far_apart * separation.is_far_apart(
        thresholds
    )
    return penalty * min(1.0, thresholds.other_names_tokens_max / max(1, similarity.tokens))


def count_number_changes(similarity: Similarity, thresholds: Thresholds) -> int:
    """Count the changed passages with a number; in long texts, numbers that only moved are not counted."""
    if similarity.tokens >= thresholds.moved_numbers_tokens_min:
        return similarity.new_number_changes
    return similarity.number_changes


def has_enough_tokens(similarity: Similarity, _separation: Separation, thresholds: Thresholds) -> bool:
    """The shorter text is long enough to be compared."""
    return similarity.tokens >= thresholds.tokens_min


def has_enough_overlap(similarity: Similarity, separation: Separation, thresholds: Thresholds) -> bool:
    """Enough of the shorter text is in the longer one."""
    return similarity.covered_tokens >= required_overlap(similarity, separation, thresholds)


def has_shared_opening(similarity: Similarity, separation: Separation, thresholds: Thresholds) -> bool:
    """One of the openings is in the other text, or the overlap is larger."""
    penalty = opening_penalty(similarity, thresholds)
    is_enough = similarity.covered_tokens >= required_overlap(similarity, separation, thresholds, penalty=penalty)
    return is_enough or similarity.shares_opening


def has_same_names(similarity: Similarity, separation: Separation, thresholds: Thresholds) -> bool:
    """The titles do not name things that only their own texts contain, or the overlap is larger."""
    penalty = names_penalty(similarity, separation, thresholds)
    is_enough = similarity.covered_tokens >= required_overlap(similarity, separation, thresholds, penalty=penalty)
    return is_enough or not similarity.has_other_names


def has_few_number_changes(similarity: Similarity, _separation: Separation, thresholds: Thresholds) -> bool:
    """Few changed passages of the shorter text contain a number."""
    return count_number_changes(similarity, thresholds) <= similarity.tokens // thresholds.tokens_per_number_change


def has_shared_numbers(similarity: Similarity, _separation: Separation, thresholds: Thresholds) -> bool:
    """The texts share enough of their numbers, or nearly all of their tokens."""
    share = similarity.shared_numbers_share
    return (
        share is None
        or share >= thresholds.shared_numbers_min
        or similarity.containment >= thresholds.nearly_all_share_min
    )


def has_same_marks(similarity: Similarity, _separation: Separation, _thresholds: Thresholds) -> bool:
    """No number has another sign or currency."""
    return not similarity.has_other_marks


def is_not_round_up(similarity: Similarity, _separation: Separation, thresholds: Thresholds) -> bool:
    """The incoming text does not contain the earlier one as one item among many others."""
    return (
        not similarity.is_longer or similarity.length_ratio >= thresholds.expansion_ratio_min or similarity.is_opening
    )


#: What two similar texts must have in common, in the order in which it is checked: what is computed fastest and rules
#: out most comes first. Each with the ``method`` of a verdict if it is not met.
REQUIREMENTS: Final[tuple[tuple[str, Requirement], ...]] = (
    ("too-little-alike", has_enough_tokens),
    ("too-little-alike", has_enough_overlap),
    ("other-opening", has_shared_opening),
    ("other-names", has_same_names),
    ("other-numbers", has_few_number_changes),
    ("other-numbers", has_shared_numbers),
    ("other-numbers", has_same_marks),
    ("round-up", is_not_round_up),
)
#: Ordered from least to most similar.
REASONS: Final = ("too-little-alike", "round-up", "other-opening", "other-names", "other-numbers")
