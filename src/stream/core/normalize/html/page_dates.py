"""The dates that a page gives besides its metadata: marked ones, in its scripts, its URL, and beside the byline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from stream.core.normalize.html.attributes import COMMENTS, has_class_or_id

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

#: How many written dates are offered.
_WRITTEN_MAX: Final = 8
_ELEMENTS_MAX: Final = 300
_DATE_CHARS_MAX: Final = 60
_MARKED: Final = (
    "time[datetime][itemprop~=datePublished],time[datetime][pubdate],time.published[datetime],"
    "[itemprop~=datePublished],[property~=datePublished],abbr.published[title]"
)
_OF_ARTICLE: Final = "article time[datetime],main time[datetime],header time[datetime]"
_ANY: Final = "time[datetime]"
_DATE_WORDS: Final = re.compile(
    r"(?:^|[\s_-])(?:date|dates|pub-?date|publish\w*|posted(?:-?on)?|time-?stamp|date-?time|post-?date|entry-?date|"
    r"article-?date|datum|fecha|data|tarih|date-?line|created|by-?line)(?=$|[\s_-])",
    re.IGNORECASE,
)
_IN_SCRIPT: Final = re.compile(
    r"""["'](?:datePublished|date_?published|publish(?:ed)?_?(?:date|at|time)|pub_?date|publication_?date|"""
    r"""first_?published|published_?on)["']\s*:\s*["']([^"']{8,40})["']""",
    re.IGNORECASE,
)
_IN_URL: Final = re.compile(r"/((?:19|20)\d\d)[/-]?(0[1-9]|1[0-2])[/-]?(0[1-9]|[12]\d|3[01])(?=[/_.-]|$)")
_YEAR: Final = re.compile(r"(?:19|20)\d\d|[\u0660-\u0669\u06f0-\u06f9]{4}")
#: "Published: " before a date.
_LABEL: Final = re.compile(r"^[^\d:：]{1,30}[:：]\s*(?=\S)")
_WITH_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_ZONE: Final = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


def find_marked_dates(body: LexborNode, scripts: str) -> list[str]:
    """Return what the page marks as the time of publication, the most reliable first, in any format.

    Args:
        body: The page.
        scripts: The text of its scripts.
    """
    dates = [*_marked(body, _MARKED), *_in_scripts(scripts), *_marked(body, _OF_ARTICLE)]
    return [date for date in dict.fromkeys(dates) if date]


def find_other_dates(body: LexborNode, url: str | None) -> list[str]:
    """Return what may be the time of publication, but is not marked as that: in the URL, and beside the byline."""
    return [date for date in dict.fromkeys([*_in_url(url), *_marked(body, _ANY), *_written(body)]) if date]


def add_zone(date: str, others: list[str]) -> str:
    """Return ``date`` with the time zone of the first of the ``others`` that has one; as it is if it has one itself.

    >>> add_zone("2024-05-01T09:30:00", ["2024-05-01T09:30:00+08:00"])
    '2024-05-01T09:30:00+08:00'
    """
    if not _WITH_TIME.fullmatch(date):
        return date
    zones = (match[0] for other in others if _WITH_TIME.match(other) and (match := _ZONE.search(other)))
    return date + next((zone for zone in zones if zone != "Z"), "")


def _marked(body: LexborNode, selector: str) -> Iterator[str]:
    for element in body.css(selector)[:1]:
        attributes = element.attributes
        value = attributes.get("datetime") or attributes.get("content") or attributes.get("title") or element.text()
        yield value.strip()[:_DATE_CHARS_MAX]


def _in_scripts(scripts: str) -> Iterator[str]:
    match = _IN_SCRIPT.search(scripts)
    if match:
        yield match[1]


def _in_url(url: str | None) -> Iterator[str]:
    match = _IN_URL.search(url or "")
    if match:
        yield "-".join(match.groups())


def _written(body: LexborNode) -> Iterator[str]:
    """Short texts with a year, in elements whose class says that they are a date."""
    elements = {element.mem_id: element for element in body.css("[class],[id],time")}
    marked = (
        element
        for element in elements.values()
        if (element.tag == "time" or has_class_or_id(element.attributes, _DATE_WORDS))
        and not has_class_or_id(element.attributes, COMMENTS)
    )
    texts = (element.text(separator=" ") for element in islice(marked, _ELEMENTS_MAX))
    yield from islice(_keep_dates(texts), _WRITTEN_MAX)
    nodes = (node.text_content or "" for node in body.traverse(include_text=True) if node.is_text_node)
    yield from islice(_keep_dates(nodes), _WRITTEN_MAX)


def _keep_dates(texts: Iterable[str]) -> Iterator[str]:
    """The short ones of ``texts`` that have a year, without a label before them."""
    for text in texts:
        if len(text) <= 2 * _DATE_CHARS_MAX and _YEAR.search(text):
            line = _LABEL.sub("", " ".join(text.split()))
            if len(line) <= _DATE_CHARS_MAX:
                yield line
