"""Removes from an article what is in it without being its text: boxes, captions, comments, lists of links.

Only whole blocks are removed. An inline element goes only with all of its block: a class says what a word is, and not
that the sentence can do without it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from selectolax.lexbor import LexborNode

from stream.core.normalize.html.attributes import COMMENTS, has_class_or_id, is_hidden
from stream.core.normalize.html.dom import remove
from stream.core.normalize.html.paragraphs import INLINE, enclosing_block
from stream.core.normalize.html.tables import is_data_table

#: The fixes that count the blocks that are removed.
PAGE_FIXES: Final = frozenset(
    f"page_{kind}" for kind in ("boxes", "captions", "comments", "forms", "hidden", "links", "tables")
)
#: Elements that are never text of an article, with the fix that counts them; its title is published as a field.
_NOT_TEXT: Final = {"h1": None, "form": "page_forms", "fieldset": "page_forms", "figcaption": "page_captions"}
#: The usual words in the class or id of captions and credits.
_CAPTION: Final = re.compile(r"(?:^|[\s_-])(?:captions?|credits?)(?=$|[\s_-])", re.IGNORECASE)
#: The same of other boilerplate inside an article: share bars, boxes, lists of related articles.
_BOX: Final = re.compile(
    r"(?:^|[\s_-])(?:shar(?:e|ing)|social|related|newsletters?|promos?|ads?|advert\w*|sponsored|"
    r"by-?line|authors?|tags?|taglist|comments?|recommend\w*|read-?(?:more|also|next)|see-?also|most-?popular|more-?on|"
    r"outbrain|taboola|sidebar|breadcrumbs?|widgets?|teasers?|copyright|disclaimer|metadata|toolbar|hidden|sr-only|"
    r"visually-?hidden|screen-?reader\w*|print-?only|paywall|subscri\w+|cookies?|consent|embed|carousel|slideshow|"
    r"gallery|player|video|audio|donat\w+|sign-?up|regist\w+|regwall|live-?blog|live-?ticker|pull-?quote|trending|"
    r"more-?stories|call-?to-?action|cta)(?=$|[\s_-])",
    re.IGNORECASE,
)
#: Boilerplate is small: an element with a larger share of the text has its class for another reason.
_BOX_SHARE_MAX: Final = 0.4
#: Comments may be longer than the article, which has at least this many characters.
_ARTICLE_CHARS_MIN: Final = 140
#: Articles have some hundred elements that may be boilerplate. Reading each one takes time in proportion to its
#: content, and they may be nested.
_CHECKED_MAX: Final = 1_000
_CHECKED_CHARS_MAX: Final = 20_000_000
#: A block with this share of its text in links announces other pages, unless it is a sentence of the article.
_LINK_SHARE: Final = 0.8
#: With this share of its text in inline elements that are boilerplate, a block is boilerplate.
_INLINE_SHARE: Final = 0.9
_LINKED_SENTENCE: Final = re.compile(r"""[.…。．۔।](?:["”»’')）」』\]]|\s)*$""")
_LINKED_SENTENCE_CHARS_MIN: Final = 60
_LINKED_SENTENCE_CHARS_MIN_UNSPACED: Final = 25
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
#: A list of links belongs to the article if a paragraph announces it and its items are names rather than headlines.
_ANNOUNCEMENT: Final = re.compile(r"[:：]\s*$")
_ANNOUNCEMENT_CHARS_MIN: Final = 14
_NAME_WORDS_MAX: Final = 4
_LEAD: Final = re.compile(
    r"(?:^|[\s_-])(?:lead|lede|intro\w*|standfirst|dek|deck|summary|subtitle|sub-?head\w*|excerpt|chapo|sapo)(?=$|[\s_-])",
    re.IGNORECASE,
)


def remove_boilerplate_elements(article: LexborNode) -> Counter[str]:
    """Remove from ``article`` what is not its text; return how many blocks of each kind were removed, by fix."""
    removed = Counter[str]()
    _remove_tables(article, removed)
    elements = article.css(",".join(_NOT_TEXT))
    removed.update(fix for element in elements if (fix := _NOT_TEXT[element.tag or ""]) and element.text().strip())
    remove(elements)
    _remove_comments(article, removed)
    _remove_boxes(article, removed)
    _remove_link_blocks(article, removed)
    return removed


def _remove_comments(article: LexborNode, removed: Counter[str]) -> None:
    """Remove readers' comments, whatever their share, if an article remains."""
    for element in reversed({element.mem_id: element for element in article.css("[class],[id]")}.values()):
        if element.tag in INLINE or not has_class_or_id(element.attributes, COMMENTS):
            continue
        if element.mem_id != article.mem_id and len(article.text()) - len(element.text()) >= _ARTICLE_CHARS_MIN:
            element.decompose()
            removed["page_comments"] += 1


def _remove_tables(article: LexborNode, removed: Counter[str]) -> None:
    tables = [table for table in article.css("table") if table.mem_id != article.mem_id and not is_data_table(table)]
    removed["page_tables"] += len(tables)
    remove(tables)


def _remove_boxes(article: LexborNode, removed: Counter[str]) -> None:
    chars_max = _BOX_SHARE_MAX * len(article.text())
    # An element that matches several of the selectors is returned several times.
    found = {element.mem_id: element for element in article.css("[class],[id],[style],[hidden],[role],time,label")}
    candidates = [
        (element, fix) for element in found.values() if (fix := _find_fix(element)) and element.mem_id != article.mem_id
    ]
    fixes = {element.mem_id: fix for element, fix in candidates}
    blocks, inline = [], []
    for element, text in _read_texts(element for element, _ in candidates):
        if len(text) > chars_max:
            continue
        if is_inline(element) and not is_hidden(element.attributes):
            inline.append((element, text))
        else:
            blocks.append((element, text))
    removable = blocks + list(_fill_their_line(inline, article))
    chosen = {element.mem_id for element, _ in removable}
    for element in (element for element, _ in candidates if element.mem_id in chosen):
        if element.text().strip():
            removed[fixes[element.mem_id]] += 1
    remove([element for element, _ in candidates if element.mem_id in chosen])


def is_inline(element: LexborNode) -> bool:
    """Whether an element is part of a line: an inline element without blocks in it."""
    return element.tag in INLINE and element.css_first("p,div,ul,ol,section,h2,h3,h4,table,figure,blockquote") is None


def _fill_their_line(inline: Iterable[tuple[LexborNode, str]], article: LexborNode) -> Iterator[tuple[LexborNode, str]]:
    """Those of the ``inline`` elements that are, alone or together, nearly all of the text of their block."""
    by_block: dict[int, tuple[LexborNode, list[tuple[LexborNode, str]]]] = {}
    for element, text in inline:
        block = enclosing_block(element)
        if block is None:
            continue
        if block.mem_id == article.mem_id:
            if _stands_alone(element):
                yield element, text
        else:
            by_block.setdefault(block.mem_id, (block, []))[1].append((element, text))
    for block, elements in by_block.values():
        chars = sum(len(text.strip()) for _, text in elements)
        if chars >= _INLINE_SHARE * len(block.text().strip()):
            yield from elements


def _stands_alone(element: LexborNode) -> bool:
    """Whether blocks, or the ends of the parent, surround an inline element."""
    return not any(_is_inline_text(_skip_blanks(element, step)) for step in ("prev", "next"))


def _skip_blanks(element: LexborNode, step: str) -> LexborNode | None:
    sibling: LexborNode | None = getattr(element, step)
    while sibling is not None and not sibling.text(deep=True).strip() and sibling.tag != "br":
        sibling = getattr(sibling, step)
    return sibling


def _is_inline_text(node: LexborNode | None) -> bool:
    return node is not None and (node.is_text_node or node.tag in INLINE)


def _find_fix(element: LexborNode) -> str | None:
    """The fix that removes ``element``, if it is small; None if nothing marks it as boilerplate."""
    attributes = element.attributes
    if is_hidden(attributes):
        return "page_hidden"
    if has_class_or_id(attributes, _CAPTION):
        return "page_captions"
    if element.tag in ("time", "label") or has_class_or_id(attributes, _BOX):
        return "page_boxes"
    return None


def _read_texts(elements: Iterable[LexborNode]) -> Iterator[tuple[LexborNode, str]]:
    """Yield each element with its text, until the limits on the work are reached."""
    chars = 0
    for element in islice(elements, _CHECKED_MAX):
        if chars > _CHECKED_CHARS_MAX:
            break
        text = element.text()
        chars += len(text)
        yield element, text


def _remove_link_blocks(article: LexborNode, removed: Counter[str]) -> None:
    link_chars: dict[int, int] = {}
    for link in article.css("a"):
        block = enclosing_block(link)
        if block is not None and block.mem_id != article.mem_id:
            link_chars[block.mem_id] = link_chars.get(block.mem_id, 0) + len(link.text().strip())
    if not link_chars:
        return
    blocks = [node for node in article.traverse() if node.mem_id in link_chars]
    # From the innermost outwards: removing a block frees its descendants.
    for block, text in _read_texts(reversed(blocks)):
        line = text.strip()
        if link_chars[block.mem_id] > _LINK_SHARE * len(line) and not _is_part_of_the_story(block, line):
            block.decompose()
            removed["page_links"] += bool(line)


def _is_part_of_the_story(block: LexborNode, text: str) -> bool:
    """Whether a block of links is a sentence of the article, its lead, or an item of a list that it announces."""
    chars_min = _LINKED_SENTENCE_CHARS_MIN_UNSPACED if _UNSPACED.search(text) else _LINKED_SENTENCE_CHARS_MIN
    if len(text) >= chars_min and _LINKED_SENTENCE.search(text):
        return True
    if has_class_or_id(block.attributes, _LEAD):
        return True
    return block.tag in ("li", "td", "th") and (block.tag != "li" or _is_announced(block, text))


def _is_announced(item: LexborNode, text: str) -> bool:
    if len(text.split()) > _NAME_WORDS_MAX or item.parent is None:
        return False
    before = item.parent.prev
    while before is not None and not before.text().strip():
        before = before.prev
    if before is None or before.tag not in ("p", "div", "-text"):
        return False
    announcement = before.text().strip()
    return len(announcement) >= _ANNOUNCEMENT_CHARS_MIN and bool(_ANNOUNCEMENT.search(announcement))
