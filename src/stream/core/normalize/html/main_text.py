"""The main text of a page: read directly from its article where that is plain, else with trafilatura."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from stream.core.normalize.html.article_scope import narrow_to_article
from stream.core.normalize.html.dom import Tree, article_element
from stream.core.normalize.html.page_boilerplate import remove_boilerplate_elements
from stream.core.normalize.html.paragraphs import TextLines, extract_lines
from stream.core.normalize.html.stated_text import choose_text

if TYPE_CHECKING:
    from lxml.html import HtmlElement
    from selectolax.lexbor import LexborNode

#: An article with this share of its text in paragraphs is plain: its lines are the text. An extractor would only
#: confirm them, and take as long as everything else together.
_PLAIN_SHARE: Final = 0.9
#: If the text is shorter than this, the article may have been sought in the wrong element.
_TEXT_CHARS_MIN: Final = 250
#: Characters of scripts without spaces, of which a text has half as many.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
#: A page with no more visible text than this may be a fragment, whose whole text is kept as a fallback.
_FRAGMENT_CHARS_MAX: Final = 4_000
#: Below this share of a fragment's visible text the wrong part has probably been chosen.
_FRAGMENT_SHARE_MIN: Final = 0.25
#: A shorter summary is a label; in a longer one the whole article is repeated.
_STANDFIRST_CHARS_MIN: Final = 40
_STANDFIRST_CHARS_MAX: Final = 1_000
#: Both begin with these characters.
_SAME_CHARS: Final = 10
#: Limits for trafilatura, which takes 0.05 ms per tag.
_EXTRACTED_TAGS_MAX: Final = 10_000
_EXTRACTED_CHARS_MAX: Final = 1_000_000
#: A line may begin this far after the end of the previous one. A short line, which could match anywhere, has to begin
#: right there.
_SKIPPED_CHARS_MAX: Final = 20_000
_SEARCHED_CHARS_MIN: Final = 20
_MATCHED_SHARE_MIN: Final = 0.9
_TAG: Final = re.compile(r"<[^<>]*+>")


def extract_main_text(
    tree: Tree, stated_text: str | None, titles: Sequence[str] = (), summary: str | None = None
) -> tuple[str, Counter[str]]:
    """Return the text of the article in ``tree``, one paragraph per line, and what was removed.

    Removes elements from ``tree``.

    Args:
        tree: The page.
        stated_text: The article's text in the page's metadata, if they have it.
        titles: The titles that the page states.
        summary: The summary that it states. Where it stands above the article, it is the article's first line.

    Where the metadata have the text, the longer of both texts counts if the page shows little (behind a paywall, or
    before a script has run). If the page shows the stated text and more, the lines that are not in it are left out,
    since the page has the paragraphs, and the metadata know where the article ends.
    """
    standfirst = _find_standfirst(tree.body, summary) if summary else None
    removed = Counter[str]()
    text = _visible_text(tree, titles, removed)
    if stated_text:
        text = choose_text(text, stated_text)
    if standfirst and text and not _has_line(text, standfirst):
        text = f"{standfirst}\n{text}"
    return text, removed


def _find_standfirst(body: LexborNode, summary: str) -> str | None:
    """Return the block of ``body`` that is the page's summary; None if the page does not show it, or as a link only."""
    wanted = _fold(summary)
    if not _STANDFIRST_CHARS_MIN <= len(wanted) <= _STANDFIRST_CHARS_MAX:
        return None
    beginning = summary.strip()[:_SAME_CHARS]
    for element in body.css("h2,h3,p,div,strong,span"):
        own = element.text(deep=False)
        if beginning in own and len(text := element.text()) <= 2 * len(summary) and _fold(text) == wanted:
            return " ".join(text.split())
    return None


def _has_line(text: str, line: str) -> bool:
    return _fold(line)[:_STANDFIRST_CHARS_MIN] in _fold(text)


def _fold(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _visible_text(tree: Tree, titles: Sequence[str], removed: Counter[str]) -> str:
    fragment = extract_lines(tree.body).text if len(tree.body.text()) <= _FRAGMENT_CHARS_MAX else None
    article = narrow_to_article(article_element(tree.body), titles)
    removed += remove_boilerplate_elements(article)
    lines = extract_lines(article)
    text = lines.article_text if lines.paragraph_share >= _PLAIN_SHARE else _select_lines(article, lines) or lines.text
    if len(text) + len(_UNSPACED.findall(text)) >= _TEXT_CHARS_MIN:
        return text
    if fragment is not None:
        return fragment if len(text) < _FRAGMENT_SHARE_MIN * len(fragment) else text
    lines_of_body = extract_lines(tree.body)
    return max(text, _select_lines(tree.body, lines_of_body), key=len) or lines_of_body.text


def _select_lines(element: LexborNode, lines: TextLines) -> str:
    """Return those of ``lines``, the lines of ``element``, that trafilatura selects.

    Trafilatura's own lines join what line breaks and blocks separate. They are returned only if they do not match.
    """
    text = _run_trafilatura(element)
    selected_chars = "".join(text.split())
    selected, position = [], 0
    for line in lines.lines:
        chars = "".join(line.split())
        reach = _SKIPPED_CHARS_MAX if len(chars) >= _SEARCHED_CHARS_MIN else 0
        start = selected_chars.find(chars, position, position + len(chars) + reach)
        if start >= 0:
            selected.append(line)
            position = start + len(chars)
    return "\n".join(selected) if sum(map(len, selected)) >= _MATCHED_SHARE_MIN * len(text) else text


def strip_tags(html: str) -> str:
    r"""Return the text between the tags of ``html`` without scripts, one line for each piece of text.

    >>> strip_tags("<p>One <b>two</b><script>x</script>")
    'One\ntwo'
    """
    first, *scripts = html.split("<script")
    visible = "".join([first, *(script.partition("</script>")[2] for script in scripts)])
    return _drop_blank_lines(_TAG.sub("\n", visible))


def _drop_blank_lines(text: str) -> str:
    return "\n".join(stripped for line in text.split("\n") if (stripped := line.strip()))


def _run_trafilatura(element: LexborNode) -> str:
    """Return the text that trafilatura extracts from ``element``; "" if it finds none or would take too long."""
    html = element.inner_html or ""
    if len(html) > _EXTRACTED_CHARS_MAX or html.count("<") > _EXTRACTED_TAGS_MAX:
        return ""
    trafilatura, options = _load_trafilatura()
    try:
        document = trafilatura.bare_extraction(_parse_with_lxml(html), options=options)
    except Exception:  # noqa: BLE001 # whatever error a page causes in the extractor, its visible text is still there
        return ""
    return _drop_blank_lines(document.text or "") if document is not None else ""


def _parse_with_lxml(html: str) -> HtmlElement:
    import lxml.html  # noqa: PLC0415 # see _load_trafilatura

    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    page = f"<html><body><article>{html}</article></body></html>"
    return lxml.html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)


@cache
def _load_trafilatura() -> tuple[Any, Any]:
    # Imported with the first page that needs it, as it takes longer to import than the rest of the program.
    import trafilatura  # noqa: PLC0415 # see above
    from trafilatura.settings import Extractor  # noqa: PLC0415 # see above

    # It logs a warning for every page without an article, which is reported in a dead letter here.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    # `fast` skips its fallback extractors, which double the time and change F1 by 0.001 in either direction.
    return trafilatura, Extractor(output_format="python", fast=True, comments=False, tables=False)
