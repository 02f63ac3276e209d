"""Estimates from its bytes how much work a page would give the parser: a few kilobytes can cost it minutes.

The estimates take linear time. They also count a "<" inside a comment, a script or a value, so they may be too high
but never too low.
"""

from __future__ import annotations

import re
from typing import Final

#: At each tag the parser may search all open elements: the product of both counts takes 2 s per 10**9.
STACK_WORK_MAX: Final = 600_000_000
#: It compares each attribute with all others of its tag: the sum of the squared counts takes 5 s per 10**9.
ATTRIBUTE_WORK_MAX: Final = 4_000_000
#: It reopens formatting elements that were never closed in each block after them: the most elements from that.
REOPENED_MAX: Final = 100_000

# A start tag as in the HTML standard, section 13.2.5 (Tokenization). It works on bytes, whatever the encoding.
_ATTRIBUTE: Final = (
    rb"[^\t\n\f\r />][^\t\n\f\r />=]*+"
    rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)?+)?+"
)
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)
_TAG: Final = re.compile(rb"<(?=([a-z][^\t\n\f\r />]*+)((?:[\t\n\f\r /]++|" + _ATTRIBUTE + rb")*+))", re.IGNORECASE)
#: A shorter tag has few attributes.
_LONG_TAG_BYTES: Final = 256
#: Tags inside tags are read once for each of them. The most bytes to read: a multiple of the page's, or the minimum.
_READ_TIMES_MAX: Final = 8
_READ_BYTES_MIN: Final = 500_000
#: The attributes of all tags with these names are merged into one element.
_MERGED: Final = frozenset({b"html", b"body"})
_SCRIPT: Final = re.compile(rb"<script\b", re.IGNORECASE)
_SCRIPT_END: Final = re.compile(rb"</script\b", re.IGNORECASE)
#: Tags that add no depth: comments, void elements, and elements that are never nested directly in their own kind.
_NEVER_NESTED: Final = re.compile(rb"<(?:!|(?:a|p|br|hr|img|meta)(?=[\s/>]))", re.IGNORECASE)
#: Elements that the parser reopens; of `a` and `nobr` only one is open at a time.
_FORMATTING_NAMES: Final = rb"(?:b|big|code|em|font|i|s|small|strike|strong|tt|u)"
_FORMATTING: Final = re.compile(rb"(</?)" + _FORMATTING_NAMES + rb"(?=[\s/>])", re.IGNORECASE)
_FORMATTING_TAG: Final = re.compile(b"<" + _FORMATTING_NAMES + rb"(?=[\s/>])", re.IGNORECASE)
_PLAIN_FORMATTING_TAG: Final = re.compile(
    b"<" + _FORMATTING_NAMES + rb"(?:\s++[\w-]++(?:=(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>]++))?+)*+\s*+>", re.IGNORECASE
)
#: Of elements with the same name and attributes, the parser reopens only this many.
_IDENTICAL_REOPENED_MAX: Final = 3


def limit_parse_cost(data: bytes) -> bytes | None:
    """Return ``data`` in a form that the parser reads in a fraction of a second; None if there is none.

    Where formatting elements would be reopened too often, they are replaced with empty ones. Their text stays.

    >>> limit_parse_cost(b"<p>One <b>two</b>")
    b'<p>One <b>two</b>'
    >>> limit_parse_cost(b"<div>" * 30_000) is None
    True
    """
    tags = data.count(b"<")
    if _is_too_deep(data, tags):
        return None
    if _has_too_many_attributes(data) and _has_too_many_attributes(_remove_scripts(data)):
        return None
    return _FORMATTING.sub(rb"\1wbr", data) if _reopens_too_much(data, tags) else data


def _is_too_deep(data: bytes, tags: int) -> bool:
    start_tags = tags - data.count(b"</")
    if start_tags * tags <= STACK_WORK_MAX:
        return False
    return (start_tags - len(_NEVER_NESTED.findall(data))) * tags > STACK_WORK_MAX


def _has_too_many_attributes(data: bytes) -> bool:
    work, merged, bytes_read = 0, 0, 0
    read_max = max(_READ_BYTES_MIN, _READ_TIMES_MAX * len(data))
    for tag in _TAG.finditer(data):
        start, end = tag.span(2)
        bytes_read += end - tag.start()
        if bytes_read > read_max:
            return True
        is_merged = tag[1].lower() in _MERGED
        if end - start < _LONG_TAG_BYTES and not is_merged:
            continue
        count = len(_ATTRIBUTES.findall(data, start, end))
        if is_merged:
            merged += count
        work += count**2
        if work + merged**2 > ATTRIBUTE_WORK_MAX:
            return True
    return False


def _reopens_too_much(data: bytes, tags: int) -> bool:
    if tags * tags <= REOPENED_MAX:
        return False
    formatting = len(_FORMATTING_TAG.findall(data))
    if formatting * tags <= REOPENED_MAX:
        return False
    plain = _PLAIN_FORMATTING_TAG.findall(data)
    open_max = formatting - len(plain) + min(len(plain), _IDENTICAL_REOPENED_MAX * len(set(plain)))
    return open_max * tags > REOPENED_MAX


def _remove_scripts(data: bytes) -> bytes:
    first, *scripts = _SCRIPT.split(data)
    # What follows the end tag; a script that is never closed is kept.
    return b"".join([first, *(_SCRIPT_END.split(script, maxsplit=1)[-1] for script in scripts)])
