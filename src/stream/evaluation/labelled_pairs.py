"""Labelled pairs of articles, one JSON object per row: two articles, and what the decision must be.

The articles of a row are ``a`` and ``b``, or ``long`` and ``short``: objects with the fields of a raw event, or texts.
``url``, ``source`` and ``language`` of the row apply to an article that has none of its own. The label is one of:

- ``is_duplicate``: 1, b must be linked to a; 0, it must not; null, the pair is left out.
- ``label``: ``update``, b is an update of a and must be linked, as a `revision` if both have one URL; 0, it must not be
  linked; null or 1 (the same event, which does not say whether one is a copy), the pair is left out.
- ``long`` and ``short`` need no label: one is an excerpt of the other.

``relation`` may name the relation that b must have. It is more specific than the label, and must not contradict it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, get_args

import orjson

from stream.core.contracts.events import DUPLICATE_RELATIONS, RELATIONS, Relation
from stream.core.normalize.url import canonicalize
from stream.core.validation import validate
from stream.errors import Rejected, StreamError

#: Code -> what is wrong with a row; besides these, the rejection codes of an article.
ROW_CODES: Final[dict[str, str]] = {
    "not_json": "the row is not JSON",
    "not_an_object": "the row, or an article in it, is not an object",
    "no_pair": "the row has neither a and b nor long and short",
    "no_label": "nothing says what the decision must be",
    "unknown_label": "the label is not one of the known labels",
    "unknown_relation": "the relation is not one of the known relations",
    "contradiction": "relation and label contradict each other",
}
#: The fields of an article that are used. The only time is that of publication: the window uses the others.
_FIELDS: Final = (
    *("id", "url", "title", "text", "html", "summary", "section", "language", "source", "authors", "tags"),
    "published_at",
)
_SHARED: Final = ("url", "source", "language")
_EXCERPT_SIDES: Final = ("long", "short")
_SIDES: Final = (("a", "b"), _EXCERPT_SIDES)
_EXCERPT_RELATIONS: Final[tuple[Relation, ...]] = ("excerpt", "expansion")


class RowError(StreamError):
    """A row that cannot be used.

    ``code``: one of `ROW_CODES`, or the rejection code of an article in the row. ``location``: file and line.
    """

    def __init__(self, code: str, message: str, location: str = "") -> None:
        super().__init__(f"{location}: {code}: {message}" if location else f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Pair:
    """Two raw events and the decision that the second one must get.

    ``location``: file and line. ``is_linked``: None if the pair is left out. ``relations``: any of them is right; if
    empty, every relation that links is right.
    """

    location: str
    first: dict[str, Any]
    second: dict[str, Any]
    is_linked: bool | None
    relations: tuple[Relation, ...] = ()

    @property
    def expected(self) -> str:
        """The expected decision in a few words."""
        if self.is_linked is None:
            return "left out"
        return " or ".join(self.relations) or ("linked" if self.is_linked else "new")


def read_pair(value: bytes, location: str, *, number: int = 0, with_url: bool = True) -> Pair:
    """Read the pair in one row.

    ``number``: of the row; part of the ids of articles without id and URL. ``with_url``: if False, URLs are dropped, so
    that the texts alone decide.

    >>> row = b'{"a": {"id": "1", "text": "One."}, "b": {"id": "2", "text": "Two."}, "is_duplicate": 0}'
    >>> pair = read_pair(row, "pairs.jsonl:1")
    >>> pair.is_linked, pair.expected
    (False, 'new')

    Raises:
        RowError: The row cannot be used; the message contains ``location``.
    """
    try:
        return _read_row(_parse(value), location, number, with_url=with_url)
    except RowError as error:
        raise RowError(error.code, error.message, location) from None


def raw_event(value: Any, name: str, shared: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Make a raw event from an article in a row: a text, a raw event or a published event.

    ``name``: the id of an article without id and URL. ``shared``: fields for an article that does not have them.

    Raises:
        RowError: ``value`` is neither an object nor a text.
    """
    article = {"text": value} if isinstance(value, str) else value
    if not isinstance(article, dict):
        raise RowError("not_an_object", f"{name} is neither an object nor a text")
    fields = {**(shared or {}), **{field: content for field, content in article.items() if content is not None}}
    fields.setdefault("published_at", fields.get("date"))
    event = {field: fields[field] for field in _FIELDS if fields.get(field) is not None}
    if isinstance(event.get("language"), dict):  # a published event
        event["language"] = event["language"].get("tag")
    if not (event.get("id") or event.get("url")):
        event["id"] = name
    return event


def _parse(value: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise RowError("not_json", str(error)) from None
    if not isinstance(row, dict):
        raise RowError("not_an_object", "a row is a JSON object")
    return row


def _read_row(row: dict[str, Any], location: str, number: int, *, with_url: bool) -> Pair:
    sides = next((sides for sides in _SIDES if all(side in row for side in sides)), None)
    if sides is None:
        raise RowError("no_pair", "a row needs a and b, or long and short")
    shared = {field: row[field] for field in _SHARED if row.get(field) is not None}
    events = []
    for side in sides:
        name = f"{number}-{side}"
        event = raw_event(row[side], name, shared)
        _validate(event, side)
        if not with_url and event.pop("url", None) is not None:
            event.setdefault("id", name)
        events.append(event)
    first, second = events
    label = _read_label(row, sides)
    relations = label.relations
    if label.is_update and not relations and _have_one_url(first, second):
        relations = ("revision",)
    return Pair(location, first, second, label.is_linked, relations)


def _validate(event: dict[str, Any], side: str) -> None:
    try:
        validate(event)
    except Rejected as error:
        raise RowError(error.code, f"{side}: {error.message}") from None


def _have_one_url(*events: dict[str, Any]) -> bool:
    urls = [canonicalize(event["url"]) if event.get("url") else None for event in events]
    return all(urls) and len({url.key for url in urls if url}) == 1


class _Label(NamedTuple):
    """Every kind of label in one form. ``is_linked`` and ``relations`` as in `Pair`; ``is_update``: b updates a."""

    is_linked: bool | None
    relations: tuple[Relation, ...] = ()
    is_update: bool = False


def _read_label(row: dict[str, Any], sides: tuple[str, str]) -> _Label:
    relation = _read_relation(row)
    is_linked = _read_is_linked(row, sides, relation)
    if is_linked is None:
        return _Label(None)
    if relation:
        _check_agreement(relation, is_linked)
        return _Label(relation != "new", (relation,))
    relations = _EXCERPT_RELATIONS if is_linked and sides == _EXCERPT_SIDES else ()
    return _Label(is_linked, relations, is_update=is_linked and row.get("label") == "update")


def _read_relation(row: dict[str, Any]) -> Relation | None:
    relation: Relation | None = row.get("relation")
    if relation is not None and relation not in get_args(Relation):
        raise RowError("unknown_relation", f"relation is {relation!r:.40}; known: {', '.join(RELATIONS)}")
    return relation


def _read_is_linked(row: dict[str, Any], sides: tuple[str, str], relation: Relation | None) -> bool | None:
    if "is_duplicate" in row:
        return _to_bool("is_duplicate", row["is_duplicate"], "1, 0, null")
    if "label" in row:
        if row["label"] == "update":
            return True
        is_same_event = _to_bool("label", row["label"], "update, 0, 1, null")
        # Two articles about the same event may be written independently: only a relation says that they are linked.
        return None if is_same_event and not relation else is_same_event
    if relation or sides == _EXCERPT_SIDES:
        return relation != "new"
    raise RowError("no_label", "a row needs is_duplicate, label or relation")


def _to_bool(field: str, value: Any, valid_values: str) -> bool | None:
    if value not in (0, 1, None):
        raise RowError("unknown_label", f"{field} is {value!r:.40}; known: {valid_values}")
    return None if value is None else bool(value)


def _check_agreement(relation: Relation, is_linked: bool) -> None:
    """Compare both. 0 agrees with revision and expansion too: published, these have ``is_duplicate`` false."""
    if relation in DUPLICATE_RELATIONS and not is_linked:
        raise RowError("contradiction", f"relation {relation} is a link, but the label says that b must not be linked")
    if relation == "new" and is_linked:
        raise RowError("contradiction", "relation new is no link, but the label says that b must be linked")
