"""What the parser would have to do for a page, told by its bytes: a few kilobytes can cost it minutes.

All of this takes time by the page's length. Whether a "<" stands in a comment, a script or a value is not asked:
what is counted may be more than the parser meets, never less.
"""

from __future__ import annotations

import re
from typing import Final

#: At each tag the parser may look through all open elements: the product of both takes 2 s for each 10**9.
STACK_WORK_MAX: Final = 600_000_000
#: It compares each attribute with all others of its tag: the sum of their squares takes 5 s for each 10**9.
ATTRIBUTE_WORK_MAX: Final = 4_000_000
#: It opens formatting that was never closed again in each block behind it: so many elements may come of that.
REOPENED_MAX: Final = 100_000

# A start tag as the HTML standard reads it ("13.2.5 Tokenization"), with bytes that are no letters as they come.
_ATTRIBUTE: Final = (
    rb"[^\t\n\f\r />][^\t\n\f\r />=]*+"
    rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)?+)?+"
)
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)
_TAG: Final = re.compile(rb"<(?=([a-z][^\t\n\f\r />]*+)((?:[\t\n\f\r /]++|" + _ATTRIBUTE + rb")*+))", re.IGNORECASE)
#: What is shorter than this has few attributes.
_LONG_BYTES: Final = 256
#: Tags inside of tags are read again from each of them: this many times the page's bytes, or so many, and no longer.
_READ_TIMES_MAX: Final = 8
_READ_BYTES_MAX: Final = 500_000
#: The attributes of all tags of these are given to one element.
_MERGED: Final = frozenset({b"html", b"body"})
_SCRIPT: Final = re.compile(rb"<script\b", re.IGNORECASE)
_SCRIPT_END: Final = re.compile(rb"</script\b", re.IGNORECASE)
#: Elements that are never open inside one of their own kind, unless others that count stand between.
_NEVER_NESTED: Final = re.compile(rb"<(?:!|(?:a|p|br|hr|img|meta)(?=[\s/>]))", re.IGNORECASE)
#: Elements that the parser opens again; `a` and `nobr` are open once at most.
_FORMATTING_NAMES: Final = rb"(?:b|big|code|em|font|i|s|small|strike|strong|tt|u)"
_FORMATTING: Final = re.compile(rb"(</?)" + _FORMATTING_NAMES + rb"(?=[\s/>])", re.IGNORECASE)
_FORMATTING_TAG: Final = re.compile(b"<" + _FORMATTING_NAMES + rb"(?=[\s/>])", re.IGNORECASE)
_PLAIN_FORMATTING_TAG: Final = re.compile(
    b"<" + _FORMATTING_NAMES + rb"(?:\s++[\w-]++(?:=(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>]++))?+)*+\s*+>", re.IGNORECASE
)
#: Of those with the same name and attributes only so many are opened again.
_SAME_REOPENED_MAX: Final = 3


def parsable(data: bytes) -> bytes | None:
    """``data`` as the parser can read it in a part of a second; None where it cannot.

    Where formatting would be opened again too often, formatting elements become empty ones: their text stays.
    """
    tags = data.count(b"<")
    if _is_too_deep(data, tags):
        return None
    if _has_too_many_attributes(data) and _has_too_many_attributes(_without_scripts(data)):
        return None
    return _FORMATTING.sub(rb"\1wbr", data) if _reopens_too_much(data, tags) else data


def _is_too_deep(data: bytes, tags: int) -> bool:
    opened = tags - data.count(b"</")
    return opened * tags > STACK_WORK_MAX and (opened - len(_NEVER_NESTED.findall(data))) * tags > STACK_WORK_MAX


def _has_too_many_attributes(data: bytes) -> bool:
    work, merged, read = 0, 0, 0
    read_max = max(_READ_BYTES_MAX, _READ_TIMES_MAX * len(data))
    for tag in _TAG.finditer(data):
        begin, end = tag.span(2)
        read += end - tag.start()
        if read > read_max:
            return True
        is_merged = tag[1].lower() in _MERGED
        if end - begin < _LONG_BYTES and not is_merged:
            continue
        count = len(_ATTRIBUTES.findall(data, begin, end))
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
    open_max = formatting - len(plain) + min(len(plain), _SAME_REOPENED_MAX * len(set(plain)))
    return open_max * tags > REOPENED_MAX


def _without_scripts(data: bytes) -> bytes:
    first, *scripts = _SCRIPT.split(data)
    behind = (_SCRIPT_END.split(script, maxsplit=1) for script in scripts)
    return b"".join([first, *(parts[-1] for parts in behind)])
