"""Pages and texts that are made to take long: one shape each, as large as asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle, islice
from typing import Final

from stream.core.validation import DEFAULT_LIMITS, Limits

Shape = Callable[[int, int], str]

_LINE: Final = "The harbour of Velmora stays closed until the inquiry ends, said the mayor, Ines Caldor, on Monday."
_ARABIC: Final = "قالت بلدية نارينا إن الجسر القديم سيبقى مغلقا حتى نهاية الشهر"


def _times(piece: str) -> Shape:
    """As many of ``piece`` as fit into the characters and, where it has tags, into the tags."""

    def make(chars: int, tags: int) -> str:
        count = chars // len(piece)
        if opened := piece.count("<"):
            count = min(count, tags // opened)
        return piece * count

    return make


def _nested(opening: str, inside: str, closing: str) -> Shape:
    """``inside`` in as many of ``opening`` … ``closing`` as fit."""

    def make(chars: int, tags: int) -> str:
        per_level = opening.count("<") + closing.count("<")
        depth = min((chars - len(inside)) // len(opening + closing), (tags - inside.count("<")) // max(1, per_level))
        return opening * depth + inside + closing * depth

    return make


def _between(before: str, piece: str, behind: str) -> Shape:
    """Many of ``piece`` between ``before`` and ``behind``."""

    def make(chars: int, tags: int) -> str:
        around = before + behind
        return before + _times(piece)(chars - len(around), tags - around.count("<")) + behind

    return make


def _numbered(piece: str) -> Shape:
    """Pieces that differ by a number, which stands for ``#``."""

    def make(chars: int, tags: int) -> str:
        count = min(chars // (len(piece) + 6), tags // max(1, piece.count("<")))
        return "".join(piece.replace("#", str(number)) for number in range(count))

    return make


def _attributes(tag: str, attribute: str, count: int) -> Shape:
    """Tags of ``count`` different attributes each."""
    one = f"<{tag} " + " ".join(attribute.replace("#", str(number)) for number in range(count)) + ">"
    return _times(one)


def _mixed(chunked: str) -> Shape:
    """The words of ``chunked`` as opening tags, in turn, never closed."""
    names = chunked.split()

    def make(chars: int, tags: int) -> str:
        count = min(tags, chars // (max(map(len, names)) + 3))
        return "".join(f"<{name}>x" for name in islice(cycle(names), count))

    return make


#: Pages by the name of their shape.
PAGES: Final[Mapping[str, Shape]] = {
    "blocks in blocks": _nested("<div>", _LINE, "</div>"),
    "blocks in blocks, each with a line": _nested("<div>" + _LINE, "", "</div>"),
    "blocks never closed": _times("<div>"),
    "blocks never closed, each with a line": _times("<div>" + _LINE),
    "named blocks in blocks": _nested('<div class="related share">' + _LINE, "", "</div>"),
    "hidden blocks in blocks": _nested('<div style="display : none">' + _LINE, "", "</div>"),
    "links in blocks in blocks": _nested('<div><a href="/x">' + _LINE + "</a>", "", "</div>"),
    "inline in inline": _nested("<span>", _LINE, "</span>"),
    "inline in inline, each with a line": _nested("<span>" + _LINE, "", "</span>"),
    "quotes in quotes": _nested("<blockquote><p>" + _LINE, "", "</blockquote>"),
    "unclosed formatting": _mixed("b i a u s em strong font small tt"),
    "unclosed formatting in paragraphs": _times("<b><i><a><p>x"),
    "crossed formatting": _times("<b><p></b>x"),
    "crossed formatting of many kinds": _times("<b><i><u><s><p></b></i></u></s>x"),
    "crossed links": _times("<a href=/x><div></a>x"),
    "formatting that differs": _numbered("<font color=#>x<p>"),
    "formatting that differs, closed outside": _numbered("<b id=#><p></b>x"),
    "links that differ": _numbered("<a href=/#>x<p>"),
    "end tags only": _times("</p>"),
    "end tags in deep blocks": _between("<div>" * 14_000, "</b>", ""),
    "paragraphs in deep blocks": _between("<div>" * 14_000, "<p>x", ""),
    "list items never closed": _times("<ul><li>x"),
    "list items in deep inline": _between("<ul><li>" + "<span>" * 10_000, "<li>x", ""),
    "definition lists": _times("<dl><dt>x<dd>y"),
    "options": _times("<select><option>x<optgroup>"),
    "headings in headings": _times("<h1><h2>x"),
    "buttons": _times("<button>x"),
    "forms": _times("<form><input>x"),
    "nobr": _times("<nobr>x"),
    "rubies": _times("<ruby><rt>x<rp>"),
    "tables in tables": _times("<table><tr><td>x"),
    "tables in tables, text outside cells": _times("<table>x"),
    "tables in tables, rows outside": _times("<table><tr>x"),
    "tables with captions": _times("<table><caption>x"),
    "cells": _between("<table><tr>", "<td>x", ""),
    "foster parents": _between("<table>", "<b>x", ""),
    "foster parents, blocks": _between("<table>", "<div>x", ""),
    "foster parents, text by the piece": _between("<table>", "x<tr>", ""),
    "svg in svg": _times("<svg><g>x"),
    "math in math": _times("<math><mi>x"),
    "foreign objects": _times("<svg><foreignObject>x"),
    "templates in templates": _times("<template>x"),
    "framesets": _times("<frameset><frame>"),
    "formatting in front of blocks": _between("".join(f"<font color={n}>" for n in range(5_000)), "<p>x", ""),
    "formatting closed in comments": _numbered("<font color=#><!--</font>-->x<p>"),
    "formatting with brackets in it": _numbered('<b a#="<">x<p>'),
    "strange ends in deep inline": _between("<span>" * 12_000, "</x>", ""),
    "strange ends in inline less deep": _between("<span>" * 6_000, "</x>", ""),
    "paragraphs in objects": _times("<object><p>x</i>"),
    "paragraphs in captions": _times("<table><caption><p>x"),
    "attributes with brackets": _between("<p ", "<x ", ">"),
    "attributes with different brackets": lambda chars, tags: (
        "<p " + "".join(f"<{n} " for n in range(min(tags - 1, chars // 8))) + ">"
    ),
    "attributes behind quoted brackets": lambda chars, tags: (
        "<p " + "".join(f"a{n}='>' <b{n}='>' " for n in range(min(tags - 1, chars // 24))) + ">"
    ),
    "names in names": _times("<p"),
    "tags in tags": _times("<p x "),
    "tags in values": _times("<p x='<b y="),
    "bodies of many attributes": _times("<body " + " ".join(f"a{n}" for n in range(40)) + ">"),
    "one body of many attributes by the piece": _numbered("<body a# b# c# d# e# f# g# h# i# j#>"),
    "bodies with attributes": _numbered("<body a#=1>x"),
    "plaintext": _between("<plaintext>", "<b>", ""),
    "comments": _times("<!--x-->"),
    "comments never closed": _times("<!--x"),
    "comments of dashes": _times("<!--" + "-" * 1_000),
    "one comment": _between("<!--", "- -> --!", "-->"),
    "bogus comments": _times("<?x>"),
    "declarations": _times("<!x>"),
    "doctypes": _times("<!doctype html>"),
    "cdata": _times("<![CDATA[x]]>"),
    "cdata in svg": _between("<svg>", "<![CDATA[x]]>", ""),
    "scripts": _times("<script>x</script>"),
    "scripts never closed": _times("<script>x"),
    "script in comment": _times("<script><!--<script>x"),
    "broken JSON-LD": _times('<script type="application/ld+json">{"a":[1,}</script>'),
    "one broken JSON-LD": _between('<script type="application/ld+json">[', ",    ", "</script>"),
    "one broken JSON-LD of brackets": _between('<script type="application/ld+json">', "[{", "</script>"),
    "JSON-LD of spaces": _between('<script type="application/ld+json">{', " ", "x</script>"),
    "JSON-LD of articles": _between(
        '<script type="application/ld+json">[', '{"@type":"Article","articleBody":"' + _LINE + '"},', "0]</script>"
    ),
    "JSON-LD body of tags": _between(
        '<script type="application/ld+json">{"@type":"Article","articleBody":"', "<", '"}</script>'
    ),
    "JSON-LD body of entities": _between(
        '<script type="application/ld+json">{"@type":"Article","articleBody":"', "&amp;lt;", '"}</script>'
    ),
    "styles": _times("<style>x</style>"),
    "textareas": _times("<textarea>x</textarea>"),
    "titles": _times("<title>x</title>"),
    "a title": _between("<title>", "x | ", "</title><p>" + _LINE),
    "metas": _numbered('<meta name="og:title" content="t #">'),
    "metas of keywords": _times('<meta name="keywords" content="' + "a,b;" * 500 + '">'),
    "links to canonical": _numbered('<link rel="canonical" href="/a/../#">'),
    "authors": _numbered('<span itemprop="author"><b itemprop="name">N #</b></span>'),
    "authors in authors": _times('<div itemprop="author">x'),
    "authors in authors, closed": _nested('<div itemprop="author">', "x" * 900, "</div>"),
    "attributes": _attributes("div", "a#", 2_900),
    "attributes with values": _attributes("p", 'data-a#="x"', 1_200),
    "attributes in one tag": _attributes("p", "a#", 100_000),
    "attributes in each tag": _attributes("p", "a#", 60),
    "attributes that repeat": _times("<p " + "a " * 2_900 + ">"),
    "a long value": _between('<p title="', "x", '">' + _LINE),
    "a long value of entities": _between('<p title="', "&amp;", '">' + _LINE),
    "a long name": _between("<p ", "x", ">" + _LINE),
    "a long tag": _between("<p", "x", ">" + _LINE),
    "many long values": _times('<p class="' + "ad-x " * 2_000 + '">x'),
    "many class names": _numbered('<p class="c# caption-#">x'),
    "a quote never closed": _between("<p title='", '<b a="', ""),
    "long values never closed": _between("<p ", "a=\"b' ", ""),
    "slashes": _between("<p ", "/", ">" + _LINE),
    "equal signs": _between("<p ", "=", ">" + _LINE),
    "entities": _times("&amp;"),
    "numeric entities": _times("&#x627;"),
    "entities never closed": _times("&a"),
    "long entity names": _times("&CounterClockwiseContourIntegral"),
    "entities of many digits": _between("&#", "9", ";"),
    "entities behind entities": _times("&amp;amp;lt;"),
    "one text": _times("x"),
    "one text of lines": _times("x\n"),
    "one text of spaces": _between("<p>x", " ", "x"),
    "one text of line breaks": _between("<p>x", "\n", "x"),
    "one pre of line breaks": _between("<pre>x", "\n", "x"),
    "sentences": _times(_LINE + " "),
    "Arabic": _times(_ARABIC + " "),
    "paragraphs": _times("<p>" + _LINE + "</p>"),
    "short paragraphs": _times("<p>x</p>"),
    "line breaks": _times(_LINE + "<br>"),
    "short line breaks": _times("x<br>"),
    "divs beside each other": _times("<div>" + _LINE + "</div>"),
    "short divs": _times("<div>x</div>"),
    "spans": _times("<span>x</span> "),
    "spans in one paragraph": _between("<p>", "<span>x</span> ", "</p>"),
    "images": _times("<img>x"),
    "links": _times('<a href="/x">x</a>'),
    "links in blocks": _times('<div><a href="/x">x</a></div>'),
    "links in one block": _between("<div>", '<a href="/x">' + _LINE + "</a>", "</div>"),
    "inline thirty deep": _times("<p>" + "<b>" * 30 + "x" + "</b>" * 30),
    "text between deep inline": _between("<div>" + "<span>" * 31, "x<br>", ""),
    "furniture": _times('<div class="caption">x</div>'),
    "furniture in furniture": _nested('<div class="caption">x', _LINE, "</div>"),
    "comments of readers": _times('<div id="comments"><p>' + _LINE + "</p></div>"),
    "carriage returns": _times("\r"),
    "zeros": _times("\0"),
    "less-than signs": _times("< "),
    "brackets": _times("<"),
    "greater-than signs": _times(">"),
    "half tags": _times("<a "),
    "half end tags": _times("</ "),
    "emoji": _times("\U0001f30d"),
    "ideographs": _times("港口关闭"),
}


def page(shape: str, limits: Limits = DEFAULT_LIMITS) -> str:
    """The page of that shape, as large as ``limits`` allow."""
    return PAGES[shape](limits.html_chars, limits.html_tags)
