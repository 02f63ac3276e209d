"""Remnants of HTML in what should be plain text."""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Final

# A character reference with its semicolon, however often its ampersand was escaped.
_ENTITY: Final = re.compile(
    r"&((?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)*)(#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)"
)
#: What is between these is no text.
_CODE: Final = re.compile(r"<(?:(script|style|noscript|template)(?=[ \n>])[^<>]{0,2000}>|!--)", re.IGNORECASE)
_CDATA_START: Final = "<![CDATA["
_CDATA_END: Final = "]]>"
_ATTRIBUTES_CHARS_MAX: Final = 2_000
_TAG: Final = re.compile(
    rf"<(/?)(p|br|div|li|ul|ol|h[1-6]|tr|td|table|blockquote|section|figure|figcaption|span|strong|em|font|img|iframe"
    rf"|small|sup|sub|b|i|u|a)((?: [^<>\n]{{0,{_ATTRIBUTES_CHARS_MAX}}})?)/?>",
    re.IGNORECASE,
)
_INLINE: Final = frozenset({"span", "strong", "em", "font", "small", "sup", "sub", "b", "i", "u", "a"})


def decode_entities(text: str) -> tuple[str, int]:
    """Replace character references by their characters (HTML, section 13.5); unknown ones stay.

    >>> decode_entities("Smith &amp;amp; Sons, &#1582;&#1576;&#1585;, &unknown;")
    ('Smith & Sons, خبر, &unknown;', 4)
    """
    count = 0

    def decode(match: re.Match[str]) -> str:
        nonlocal count
        escapes, reference = match.groups()
        decoded = html.unescape("&" + reference) if reference[0] == "#" else html5.get(reference, "&" + reference)
        if not escapes and decoded == match[0]:
            return decoded
        count += 1
        return decoded

    return _ENTITY.sub(decode, text), count


def remove_tags(text: str) -> tuple[str, int]:
    r"""Replace block tags by line breaks, and remove inline tags, scripts, styles, comments and marks of CDATA.

    An opening inline tag is removed only if the text closes a tag of that name; ``<b>`` alone may be anything. Tags in
    capital letters are removed only if the text closes one: agencies write ticker symbols in angle brackets.

    >>> remove_tags("<p>One <b>bold</b> word.</p>Shares of <BP> rose.")
    ('\nOne bold word.\nShares of <BP> rose.', 4)
    >>> remove_tags("<P>One.<BR>Two.</P><!-- ad --><script>var a=1;</script>")
    ('\nOne.\nTwo.\n', 5)
    """
    text, count = _remove_code(text)
    closed = frozenset(match[2] for match in _TAG.finditer(text) if match[1])
    has_capitals = any(name.isupper() for name in closed)

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        name = match[2]
        if not name.islower() and not has_capitals:
            return match[0]
        if name.lower() not in _INLINE:
            count += 1
            return "\n"
        if not match[1] and name not in closed:
            return match[0]
        count += 1
        return ""

    return _TAG.sub(replace, text), count


def _remove_code(text: str) -> tuple[str, int]:
    """Remove scripts, styles and comments with their contents, and the marks of CDATA. Takes linear time."""
    count = 0
    if _CDATA_START in text and _CDATA_END in text:
        count += text.count(_CDATA_START)
        text = text.replace(_CDATA_START, "").replace(_CDATA_END, "")
    lower = text.lower()
    if len(lower) != len(text):  # a few capital letters are two in lower case
        lower = text
    pieces, position = [], 0
    missing = set[str]()
    for match in _CODE.finditer(text):
        end_mark = f"</{match[1].lower()}" if match[1] else "-->"
        if match.start() < position or end_mark in missing:
            continue
        end = lower.find(end_mark, match.end())
        end = lower.find(">", end) + 1 if end >= 0 else 0
        if not end:
            missing.add(end_mark)
            continue
        pieces.append(text[position : match.start()])
        position, count = end, count + 1
    return "".join([*pieces, text[position:]]), count
