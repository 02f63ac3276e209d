"""Labelled pairs of articles, one JSON object a row: which articles, and what the decision has to be.

The articles of a row are ``a`` and ``b``, or ``long`` and ``short``: objects with the fields of a raw event, or texts.
``url``, ``source`` and ``language`` of the row are those of an article that has none of its own. The label is one of:

- ``is_duplicate``: 1, b must be linked to a; 0, it must not; null, the pair is left out.
- ``label``: ``update``, b is an update of a and must be linked, as a `revision` where both have one address; 0, it must
  not be linked; 1 (the same event, which tells nothing of copies) and null, the pair is left out.
- ``long`` and ``short`` need none: one is an excerpt of the other.

``relation`` may name the relation that b must have; it says more than a label of 0 or 1, and must not contradict it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import orjson

from stream.core.contracts.events import DUPLICATE_RELATIONS, RELATIONS, Relation
from stream.core.normalize.url import canonicalize
from stream.core.validation import validate
from stream.errors import Rejected, StreamError

#: Code -> what is wrong with a row, beside the rejection codes of an article.
ROW_CODES: Final[dict[str, str]] = {
    "not_json": "the row is not JSON",
    "not_an_object": "the row, or an article in it, is not an object",
    "no_pair": "the row has neither a and b nor long and short",
    "no_label": "nothing says what the decision has to be",
    "unknown_label": "the label is none of those known",
    "unknown_relation": "there is no such relation",
    "contradiction": "relation and label exclude each other",
}
#: Fields of an article that are passed on. Of the times only the day of publishing: the window runs on the others.
_FIELDS: Final = (
    *("id", "url", "title", "text", "html", "summary", "section", "language", "source", "authors", "tags"),
    "published_at",
)
_SHARED: Final = ("url", "source", "language")
_SIDES: Final = (("a", "b"), ("long", "short"))
_EXCERPTS: Final[tuple[Relation, ...]] = ("excerpt", "expansion")


class RowError(StreamError):
    """A row that cannot be used. ``code``: from `ROW_CODES`, or a rejection code of the article in it."""

    def __init__(self, code: str, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {code}: {message}" if place else f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Pair:
    """Two raw events and the decision that the second one has to get.

    ``place``: file and line. ``is_linked``: None where the pair is left out. ``relations``: any of them is right; of
    none, every one that links is.
    """

    place: str
    first: dict[str, Any]
    second: dict[str, Any]
    is_linked: bool | None
    relations: tuple[Relation, ...] = ()

    @property
    def expected(self) -> str:
        """The decision in a word."""
        if self.is_linked is None:
            return "left out"
        return " or ".join(self.relations) or ("linked" if self.is_linked else "new")


def read_pair(value: bytes, place: str, *, number: int = 0, with_url: bool = True) -> Pair:
    """The pair in one row. ``number`` tells its articles from others where they have no id or address.

    ``with_url``: False takes the addresses away, so that the texts alone decide.

    Raises:
        RowError: with ``place`` in the message.
    """
    try:
        return _pair(_parsed(value), place, number, with_url=with_url)
    except RowError as error:
        raise RowError(error.code, error.message, place) from None


def raw_event(value: Any, name: str, shared: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a raw event takes of an article in a row, a raw event or a published one; ``name`` where it has no id.

    Raises:
        RowError: it is no article.
    """
    article = {"text": value} if isinstance(value, str) else value
    if not isinstance(article, dict):
        raise RowError("not_an_object", f"{name} is neither an object nor a text")
    given = {**(shared or {}), **{field: found for field, found in article.items() if found is not None}}
    given.setdefault("published_at", given.get("date"))
    event = {field: given[field] for field in _FIELDS if given.get(field) is not None}
    if isinstance(event.get("language"), dict):  # as published
        event["language"] = event["language"].get("tag")
    if not (event.get("id") or event.get("url")):
        event["id"] = name
    return event


def _parsed(value: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise RowError("not_json", str(error)) from None
    if not isinstance(row, dict):
        raise RowError("not_an_object", "a row is a JSON object")
    return row


def _pair(row: dict[str, Any], place: str, number: int, *, with_url: bool) -> Pair:
    sides = next((sides for sides in _SIDES if all(side in row for side in sides)), None)
    if sides is None:
        raise RowError("no_pair", "a row needs a and b, or long and short")
    shared = {field: row[field] for field in _SHARED if row.get(field) is not None}
    first, second = (_checked(raw_event(row[side], f"{number}-{side}", shared), side) for side in sides)
    if not with_url:
        first, second = (
            _without_url(event, f"{number}-{side}") for event, side in zip((first, second), sides, strict=True)
        )
    is_linked, relations = _label(row, sides, is_one_address=_is_one_address(first, second))
    return Pair(place, first, second, is_linked, relations)


def _checked(event: dict[str, Any], side: str) -> dict[str, Any]:
    try:
        validate(event)
    except Rejected as error:
        raise RowError(error.code, f"{side}: {error.message}") from None
    return event


def _without_url(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {"id": name, **{field: value for field, value in event.items() if field != "url"}}


def _is_one_address(first: dict[str, Any], second: dict[str, Any]) -> bool:
    addresses = [canonicalize(event["url"]) if event.get("url") else None for event in (first, second)]
    return all(addresses) and len({address.key for address in addresses if address}) == 1


def _label(
    row: dict[str, Any], sides: tuple[str, str], *, is_one_address: bool
) -> tuple[bool | None, tuple[Relation, ...]]:
    relation = _relation(row)
    if "is_duplicate" in row:
        label = row["is_duplicate"]
        if label not in (0, 1, None):
            raise RowError("unknown_label", f"is_duplicate is {label!r:.40}; known: 1, 0, null")
    elif "label" in row:
        label = {"update": 1}.get(row["label"], row["label"]) if isinstance(row["label"], str) else row["label"]
        if label not in (0, 1, None):
            raise RowError("unknown_label", f"label is {label!r:.40}; known: update, 0, 1, null")
        if label == 1 and row["label"] != "update" and not relation:
            label = None
    elif relation or sides == _SIDES[1]:
        label = int(relation != "new")
    else:
        raise RowError("no_label", "a row needs is_duplicate, label or relation")
    if label is None:
        return None, ()
    if relation:
        _check_agreement(relation, bool(label))
        return relation != "new", (relation,)
    if label and row.get("label") == "update" and is_one_address:
        return True, ("revision",)
    return bool(label), _EXCERPTS if label and sides == _SIDES[1] else ()


def _relation(row: dict[str, Any]) -> Relation | None:
    relation: Relation | None = row.get("relation")
    if relation is not None and relation not in get_args(Relation):
        raise RowError("unknown_relation", f"relation is {relation!r:.40}; known: {', '.join(RELATIONS)}")
    return relation


def _check_agreement(relation: Relation, label: bool) -> None:
    """A published event is no duplicate where it is a revision or an expansion: 0 agrees with these too."""
    if relation in DUPLICATE_RELATIONS and not label:
        raise RowError("contradiction", f"relation {relation} links, and the label says that nothing does")
    if relation == "new" and label:
        raise RowError("contradiction", "relation new does not link, and the label says that b must be linked")
