"""The demo's articles grouped into stories, with the reason of each decision in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stream.core.folding import tokenize
from stream.demo.feed import WITHDRAWN_RESULT
from stream.demo.runner import Arrival

#: A copy that begins like its original this far, and ends inside it, is described as its first words.
_ENDING_TOKENS: Final = 2


@dataclass(frozen=True, slots=True)
class Story:
    """An article and everything that was linked to it, in order of arrival."""

    arrivals: Sequence[Arrival]

    @property
    def is_single(self) -> bool:
        """Nothing was linked to the article."""
        return len(self.arrivals) == 1


def group_into_stories(arrivals: Sequence[Arrival]) -> list[Story]:
    """Group ``arrivals`` by the article that each of them goes back to; dead letters belong to no story."""
    first_of: dict[str, str] = {}
    stories: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        article_id = _article_id(arrival)
        if article_id is None:
            continue
        original = arrival.event["duplicate"]["duplicate_of"] if arrival.event else None
        first = first_of.setdefault(article_id, first_of.get(original or article_id, article_id))
        stories.setdefault(first, []).append(arrival)
    return [Story(members) for members in stories.values()]


def describe_reason(arrival: Arrival, arrivals: Sequence[Arrival]) -> str:
    """Say in words why ``arrival`` became what it is; ``arrivals`` are all of them, in order."""
    event = arrival.event
    if event is None and arrival.result != WITHDRAWN_RESULT:
        return arrival.reason or ""
    related = event["duplicate"]["duplicate_of"] if event else arrival.reason
    original = _version_before(arrival, related, arrivals) if related else None
    if original is None or original.event is None:
        return arrival.explanation or ""
    if event is None:
        return f"the publisher withdraws {original.label}: consumers get a tombstone for it"
    return _link_reason(event, original.event, original.label)


def describe_clean_up(event: Mapping[str, Any]) -> str:
    """Say what was cleaned up in the text of ``event``; empty if nothing was."""
    names = [_describe_fix(fix["step"]) for fix in event["fixes"] if fix["step"] != "teaser"]
    parts = ["its first line, a cut copy of the second, was moved to `teaser`"] if event["teaser"] else []
    if names:
        parts.append("cleaned up: " + ", ".join(names))
    return "; ".join(parts)


def _describe_fix(name: str) -> str:
    field, has_suffix, _ = name.rpartition("_dropped")
    return f"impossible {field} dropped" if has_suffix else name.replace("_", " ")


def _article_id(arrival: Arrival) -> str | None:
    if arrival.event:
        return str(arrival.event["id"])
    return arrival.reason if arrival.result == WITHDRAWN_RESULT else None


def _version_before(arrival: Arrival, article_id: str, arrivals: Sequence[Arrival]) -> Arrival | None:
    """The version of an article that was the newest one when ``arrival`` came."""
    before = arrivals[: arrivals.index(arrival)]
    versions = [each for each in before if each.event and each.event["id"] == article_id]
    changed = [each for each in versions if each.result not in ("recrawl", "outdated")]
    return changed[-1] if changed else None


def _link_reason(event: Mapping[str, Any], original: Mapping[str, Any], number: str) -> str:
    verdict = event["duplicate"]
    relation = verdict["relation"]
    if relation == "revision":
        numbers = ", and numbers" if verdict["change"]["numbers"] else ""
        return f"new version of {number}: {verdict['change']['tokens']:.0%} of the words differ{numbers}"
    if relation == "excerpt":
        return _excerpt_reason(event, original, number)
    reasons = {
        "recrawl": f"the page of {number} again: readers see no change",
        "copy": f"same text as {number} on another site",
        "near_copy": f"edited reprint: {verdict['containment']:.0%} of its text is in {number}",
        "outdated": f"an older version of {number}, by its time of modification",
        "expansion": f"the full article: all of {number} is in it, and more",
    }
    return reasons[relation]


def _excerpt_reason(event: Mapping[str, Any], original: Mapping[str, Any], number: str) -> str:
    part, whole = tokenize(event["text"]), tokenize(original["text"])
    size = max(0, len(part) - _ENDING_TOKENS)
    if list(part.hashes[:size]) != list(whole.hashes[:size]):
        return f"a cut copy: {event['duplicate']['containment']:.0%} of its text is in {number}"
    has_spaces = 2 * int(part.unspaced.sum()) <= len(part)
    return f"the first {len(part)} {'words' if has_spaces else 'characters'} of {number}"
