"""HTML pages that are slow to process: one shape each, in any size.

A shape takes the numbers of characters and tags that the page may have, and returns the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle, islice
from typing import Final

from stream.core.validation import DEFAULT_LIMITS, Limits

Shape = Callable[[int, int], str]

_LINE: Final = "The harbour of Velmora stays closed until the inquiry ends, said the mayor, Ines Caldor, on Monday."
_ARABIC: Final = "قالت بلدية نارينا إن الجسر القديم سيبقى مغلقا حتى نهاية الشهر"


def _repeat(piece: str) -> Shape:
    """Repeat ``piece`` as often as the numbers of characters and tags allow."""

    def make(chars: int, tags: int) -> str:
        count = chars // len(piece)
        if piece_tags := piece.count("<"):
            count = min(count, tags // piece_tags)
        return piece * count

    return make


def _nest(opening: str, inside: str, closing: str) -> Shape:
    """Nest ``inside`` in as many pairs of ``opening`` and ``closing`` as fit."""

    def make(chars: int, tags: int) -> str:
        per_level = opening.count("<") + closing.count("<")
        depth = min((chars - len(inside)) // len(opening + closing), (tags - inside.count("<")) // max(1, per_level))
        return opening * depth + inside + closing * depth

    return make


def _surround(before: str, piece: str, after: str) -> Shape:
    """Repeat ``piece`` between ``before`` and ``after``."""

    def make(chars: int, tags: int) -> str:
        outside = before + after
        return before + _repeat(piece)(chars - len(outside), tags - outside.count("<")) + after

    return make


def _number(piece: str) -> Shape:
    """Repeat ``piece`` with ``#`` replaced by a different number each time."""

    def make(chars: int, tags: int) -> str:
        count = min(chars // (len(piece) + 6), tags // max(1, piece.count("<")))
        return "".join(piece.replace("#", str(number)) for number in range(count))

    return make


def _repeat_attributes(tag: str, attribute: str, count: int) -> Shape:
    """Repeat a tag with ``count`` different attributes."""
    opening_tag = f"<{tag} " + " ".join(attribute.replace("#", str(number)) for number in range(count)) + ">"
    return _repeat(opening_tag)


def _alternate(tag_names: str) -> Shape:
    """Alternate opening tags with these names, separated by spaces, and never close them."""
    names = tag_names.split()

    def make(chars: int, tags: int) -> str:
        count = min(tags, chars // (max(map(len, names)) + 3))
        return "".join(f"<{name}>x" for name in islice(cycle(names), count))

    return make


#: Name of the shape -> shape.
PAGES: Final[Mapping[str, Shape]] = {
    "blocks in blocks": _nest("<div>", _LINE, "</div>"),
    "blocks in blocks, each with a line": _nest("<div>" + _LINE, "", "</div>"),
    "blocks never closed": _repeat("<div>"),
    "blocks never closed, each with a line": _repeat("<div>" + _LINE),
    "named blocks in blocks": _nest('<div class="related share">' + _LINE, "", "</div>"),
    "hidden blocks in blocks": _nest('<div style="display : none">' + _LINE, "", "</div>"),
    "links in blocks in blocks": _nest('<div><a href="/x">' + _LINE + "</a>", "", "</div>"),
    "inline in inline": _nest("<span>", _LINE, "</span>"),
    "inline in inline, each with a line": _nest("<span>" + _LINE, "", "</span>"),
    "quotes in quotes": _nest("<blockquote><p>" + _LINE, "", "</blockquote>"),
    "unclosed formatting": _alternate("b i a u s em strong font small tt"),
    "unclosed formatting in paragraphs": _repeat("<b><i><a><p>x"),
    "crossed formatting": _repeat("<b><p></b>x"),
    "crossed formatting of many kinds": _repeat("<b><i><u><s><p></b></i></u></s>x"),
    "crossed links": _repeat("<a href=/x><div></a>x"),
    "formatting that differs": _number("<font color=#>x<p>"),
    "formatting that differs, closed outside": _number("<b id=#><p></b>x"),
    "links that differ": _number("<a href=/#>x<p>"),
    "end tags only": _repeat("</p>"),
    "end tags in deep blocks": _surround("<div>" * 14_000, "</b>", ""),
    "paragraphs in deep blocks": _surround("<div>" * 14_000, "<p>x", ""),
    "list items never closed": _repeat("<ul><li>x"),
    "list items in deep inline": _surround("<ul><li>" + "<span>" * 10_000, "<li>x", ""),
    "definition lists": _repeat("<dl><dt>x<dd>y"),
    "options": _repeat("<select><option>x<optgroup>"),
    "headings in headings": _repeat("<h1><h2>x"),
    "buttons": _repeat("<button>x"),
    "forms": _repeat("<form><input>x"),
    "nobr": _repeat("<nobr>x"),
    "rubies": _repeat("<ruby><rt>x<rp>"),
    "tables in tables": _repeat("<table><tr><td>x"),
    "tables in tables, text outside cells": _repeat("<table>x"),
    "tables in tables, rows outside": _repeat("<table><tr>x"),
    "tables with captions": _repeat("<table><caption>x"),
    "cells": _surround("<table><tr>", "<td>x", ""),
    "foster parents": _surround("<table>", "<b>x", ""),
    "foster parents, blocks": _surround("<table>", "<div>x", ""),
    "foster parents, text in pieces": _surround("<table>", "x<tr>", ""),
    "svg in svg": _repeat("<svg><g>x"),
    "math in math": _repeat("<math><mi>x"),
    "foreign objects": _repeat("<svg><foreignObject>x"),
    "templates in templates": _repeat("<template>x"),
    "framesets": _repeat("<frameset><frame>"),
    "formatting in front of blocks": _surround("".join(f"<font color={n}>" for n in range(5_000)), "<p>x", ""),
    "formatting closed in comments": _number("<font color=#><!--</font>-->x<p>"),
    "formatting with brackets in it": _number('<b a#="<">x<p>'),
    "strange ends in deep inline": _surround("<span>" * 12_000, "</x>", ""),
    "strange ends in inline less deep": _surround("<span>" * 6_000, "</x>", ""),
    "paragraphs in objects": _repeat("<object><p>x</i>"),
    "paragraphs in captions": _repeat("<table><caption><p>x"),
    "attributes with brackets": _surround("<p ", "<x ", ">"),
    "attributes with different brackets": lambda chars, tags: (
        "<p " + "".join(f"<{n} " for n in range(min(tags - 1, chars // 8))) + ">"
    ),
    "attributes after quoted brackets": lambda chars, tags: (
        "<p " + "".join(f"a{n}='>' <b{n}='>' " for n in range(min(tags - 1, chars // 24))) + ">"
    ),
    "names in names": _repeat("<p"),
    "tags in tags": _repeat("<p x "),
    "tags in values": _repeat("<p x='<b y="),
    "bodies of many attributes": _repeat("<body " + " ".join(f"a{n}" for n in range(40)) + ">"),
    "bodies with different attributes": _number("<body a# b# c# d# e# f# g# h# i# j#>"),
    "bodies with attributes": _number("<body a#=1>x"),
    "plaintext": _surround("<plaintext>", "<b>", ""),
    "comments": _repeat("<!--x-->"),
    "comments never closed": _repeat("<!--x"),
    "comments of dashes": _repeat("<!--" + "-" * 1_000),
    "one comment": _surround("<!--", "- -> --!", "-->"),
    "bogus comments": _repeat("<?x>"),
    "declarations": _repeat("<!x>"),
    "doctypes": _repeat("<!doctype html>"),
    "cdata": _repeat("<![CDATA[x]]>"),
    "cdata in svg": _surround("<svg>", "<![CDATA[x]]>", ""),
    "scripts": _repeat("<script>x</script>"),
    "scripts never closed": _repeat("<script>x"),
    "script in comment": _repeat("<script><!--<script>x"),
    "broken JSON-LD": _repeat('<script type="application/ld+json">{"a":[1,}</script>'),
    "one broken JSON-LD": _surround('<script type="application/ld+json">[', ",    ", "</script>"),
    "one broken JSON-LD of brackets": _surround('<script type="application/ld+json">', "[{", "</script>"),
    "JSON-LD of spaces": _surround('<script type="application/ld+json">{', " ", "x</script>"),
    "JSON-LD of articles": _surround(
        '<script type="application/ld+json">[', '{"@type":"Article","articleBody":"' + _LINE + '"},', "0]</script>"
    ),
    "JSON-LD body of tags": _surround(
        '<script type="application/ld+json">{"@type":"Article","articleBody":"', "<", '"}</script>'
    ),
    "JSON-LD body of entities": _surround(
        '<script type="application/ld+json">{"@type":"Article","articleBody":"', "&amp;lt;", '"}</script>'
    ),
    "styles": _repeat("<style>x</style>"),
    "textareas": _repeat("<textarea>x</textarea>"),
    "titles": _repeat("<title>x</title>"),
    "a title": _surround("<title>", "x | ", "</title><p>" + _LINE),
    "metas": _number('<meta name="og:title" content="t #">'),
    "metas of keywords": _repeat('<meta name="keywords" content="' + "a,b;" * 500 + '">'),
    "links to canonical": _number('<link rel="canonical" href="/a/../#">'),
    "authors": _number('<span itemprop="author"><b itemprop="name">N #</b></span>'),
    "authors in authors": _repeat('<div itemprop="author">x'),
    "authors in authors, closed": _nest('<div itemprop="author">', "x" * 900, "</div>"),
    "attributes": _repeat_attributes("div", "a#", 2_900),
    "attributes with values": _repeat_attributes("p", 'data-a#="x"', 1_200),
    "attributes in one tag": _repeat_attributes("p", "a#", 100_000),
    "attributes in each tag": _repeat_attributes("p", "a#", 60),
    "attributes that repeat": _repeat("<p " + "a " * 2_900 + ">"),
    "a long value": _surround('<p title="', "x", '">' + _LINE),
    "a long value of entities": _surround('<p title="', "&amp;", '">' + _LINE),
    "a long name": _surround("<p ", "x", ">" + _LINE),
    "a long tag": _surround("<p", "x", ">" + _LINE),
    "many long values": _repeat('<p class="' + "ad-x " * 2_000 + '">x'),
    "many class names": _number('<p class="c# caption-#">x'),
    "a quote never closed": _surround("<p title='", '<b a="', ""),
    "long values never closed": _surround("<p ", "a=\"b' ", ""),
    "slashes": _surround("<p ", "/", ">" + _LINE),
    "equal signs": _surround("<p ", "=", ">" + _LINE),
    "entities": _repeat("&amp;"),
    "numeric entities": _repeat("&#x627;"),
    "entities never closed": _repeat("&a"),
    "long entity names": _repeat("&CounterClockwiseContourIntegral"),
    "entities of many digits": _surround("&#", "9", ";"),
    "entities after entities": _repeat("&amp;amp;lt;"),
    "one text": _repeat("x"),
    "one text of lines": _repeat("x\n"),
    "one text of spaces": _surround("<p>x", " ", "x"),
    "one text of line breaks": _surround("<p>x", "\n", "x"),
    "one pre of line breaks": _surround("<pre>x", "\n", "x"),
    "sentences": _repeat(_LINE + " "),
    "Arabic": _repeat(_ARABIC + " "),
    "paragraphs": _repeat("<p>" + _LINE + "</p>"),
    "short paragraphs": _repeat("<p>x</p>"),
    "line breaks": _repeat(_LINE + "<br>"),
    "short line breaks": _repeat("x<br>"),
    "adjacent divs": _repeat("<div>" + _LINE + "</div>"),
    "short divs": _repeat("<div>x</div>"),
    "spans": _repeat("<span>x</span> "),
    "spans in one paragraph": _surround("<p>", "<span>x</span> ", "</p>"),
    "images": _repeat("<img>x"),
    "links": _repeat('<a href="/x">x</a>'),
    "links in blocks": _repeat('<div><a href="/x">x</a></div>'),
    "links in one block": _surround("<div>", '<a href="/x">' + _LINE + "</a>", "</div>"),
    "inline thirty deep": _repeat("<p>" + "<b>" * 30 + "x" + "</b>" * 30),
    "text between deep inline": _surround("<div>" + "<span>" * 31, "x<br>", ""),
    "boilerplate": _repeat('<div class="caption">x</div>'),
    "boilerplate in boilerplate": _nest('<div class="caption">x', _LINE, "</div>"),
    "comments of readers": _repeat('<div id="comments"><p>' + _LINE + "</p></div>"),
    "carriage returns": _repeat("\r"),
    "zeros": _repeat("\0"),
    "less-than signs": _repeat("< "),
    "brackets": _repeat("<"),
    "greater-than signs": _repeat(">"),
    "half tags": _repeat("<a "),
    "half end tags": _repeat("</ "),
    "emoji": _repeat("\U0001f30d"),
    "ideographs": _repeat("港口关闭"),
}


def page(shape: str, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the page of that shape, as large as ``limits`` allow."""
    return PAGES[shape](limits.html_chars, limits.html_tags)
