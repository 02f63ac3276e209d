"""Parses a page as browsers do, removes what is never text, and finds the element that holds the article."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from stream.core.normalize.html.attributes import COMMENT_WORDS, has_class_or_id, is_hidden
from stream.core.normalize.html.parse_cost import limit_parse_cost

#: Elements that hold no running text on any page. `meta` and `link` are read before they are removed.
_NEVER_TEXT: Final = (
    "script,style,noscript,template,svg,math,iframe,object,embed,canvas,video,audio,map,meta,link,base,"
    "rt,rp,nav,aside,footer,menu,dialog,button,select,textarea,input,datalist,figure,picture"
)
_METADATA: Final = frozenset({"meta", "link"})
#: How much of a script is searched for dates.
_SCRIPT_CHARS_MAX: Final = 200_000
_SUPERSCRIPTS_MAX: Final = 1_000
_FOOTNOTE: Final = re.compile(r"\[[^\]]{1,8}\]|[*†‡]+")
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Shorter runs of text are labels and links, which do not show where the article is.
_RUN_CHARS_MIN: Final = 20
#: An element with this share of the page's running text holds the article. The share is of the whole page, because
#: on pages that never close their elements each level leaves a paragraph behind.
_ARTICLE_SHARE: Final = 0.8
#: So does one with this share and this many paragraphs, if no other part of the page is of its kind.
_OUTSTANDING_SHARE: Final = 0.5
_OUTSTANDING_PARAGRAPHS_MIN: Final = 3
#: Elements that are a paragraph or a part of one; the search for the article does not go into them.
_INNERMOST: Final = frozenset(
    "p li ul ol dl blockquote pre h1 h2 h3 h4 h5 h6 span b strong em i u font small mark q cite code td th".split()
)
#: The same for what readers wrote, or a request for consent.
_NOT_THE_ARTICLE: Final = re.compile(
    rf"{COMMENT_WORDS}|(?:^|[\s_-])(?:cookies?|onetrust|consent|gdpr|newsletter|modal|popup)(?=$|[\s_-])",
    re.IGNORECASE,
)
#: Elements whose class may have such a word because of what they contain besides the article, as in
#: `<body class="has-comments">`.
_WRAPPERS: Final = frozenset({"html", "body", "main", "article"})


@dataclass(slots=True)
class Tree:
    """A parsed page: its body without what is never text, and the metadata that were in it."""

    root: LexborNode
    body: LexborNode
    title: str
    #: The attributes of each `meta` and `link` element, in document order.
    metadata: list[dict[str, str | None]] = field(default_factory=list)
    #: The content of each JSON-LD script.
    json_ld: list[str] = field(default_factory=list)
    #: The content of the other scripts.
    scripts: str = ""
    #: The base URL of the page's relative links.
    base: str | None = None


def parse(html: str) -> Tree | None:
    """Parse ``html``. Return None if it has no body, or would take too long to parse."""
    # The text is decoded already, so the charset that the page declares is ignored. A lone surrogate becomes "?".
    data = limit_parse_cost(html.encode("utf-8", "replace").replace(b"\0", b""))
    if data is None:
        return None
    # With `scripting`, as in browsers, the content of `noscript` is a single text, which is removed with its element.
    parser = LexborHTMLParser(data, scripting=True)
    root, head = parser.root, parser.head
    if root is None or parser.body is None:
        return None
    title = head.css_first("title") if head else None
    tree = Tree(root, parser.body, title.text() if title else "")
    never_text = root.css(_NEVER_TEXT)
    scripts: list[str] = []
    for element in never_text:
        tag = element.tag
        if tag in _METADATA:
            tree.metadata.append(element.attributes)
        elif tag == "script" and "ld+json" in (element.attributes.get("type") or ""):
            tree.json_ld.append(element.text())
        elif tag == "script":
            scripts.append(element.text()[:_SCRIPT_CHARS_MAX])
        elif tag == "base" and tree.base is None:
            tree.base = element.attributes.get("href")
    tree.scripts = "\n".join(scripts)
    remove(never_text)
    raise_superscripts(tree.body)
    return tree


def raise_superscripts(body: LexborNode) -> None:
    """Remove marks of footnotes, and keep other raised digits apart from the number before them: 10⁶ is not 106."""
    for element in body.css("sup")[:_SUPERSCRIPTS_MAX]:
        text = element.text().strip()
        if element.css_first("a") is not None or _FOOTNOTE.fullmatch(text):
            element.decompose()
        elif text.isascii() and text.isdigit():
            element.replace_with(text.translate(_RAISED))


def remove(elements: Sequence[LexborNode]) -> None:
    """Remove ``elements``, which are in document order, from their tree.

    Goes from last to first: removing an element frees its descendants, which must not be touched afterwards.
    """
    for element in reversed(elements):
        element.decompose()


@dataclass(slots=True)
class _Candidate:
    """An element that may hold the article, with the number of characters of running text in it."""

    node: LexborNode
    parent: _Candidate | None
    depth: int
    is_aside: bool
    chars: int = 0
    children: list[_Candidate] = field(default_factory=list)


def article_element(body: LexborNode) -> LexborNode:
    """Return the deepest element of ``body`` with nearly all running text, or ``body`` if there is no such element.

    Links, comments and hidden elements do not count: they are not part of the article and may be longer than it.
    """
    candidates = _candidates(body)
    best = candidates[0]
    for candidate in sorted(candidates, key=lambda candidate: -candidate.depth):
        if candidate.parent is not None:
            candidate.parent.chars += candidate.chars
    chars_min = _ARTICLE_SHARE * best.chars
    while best.children:
        largest = max(best.children, key=lambda candidate: candidate.chars)
        if largest.node.tag in _INNERMOST or (largest.chars < chars_min and not _stands_out(largest, best)):
            break
        if largest.chars < chars_min:
            chars_min = _ARTICLE_SHARE * largest.chars
        best = largest
    return best.node


def _stands_out(candidate: _Candidate, parent: _Candidate) -> bool:
    """Whether a part of ``parent`` has most of its text and its paragraphs, and no other part is of the same kind."""
    if candidate.chars < _OUTSTANDING_SHARE * parent.chars:
        return False
    others = [child for child in parent.children if child is not candidate and child.chars]
    if any(child.node.tag in _INNERMOST or _kind(child.node) == _kind(candidate.node) for child in others):
        return False
    return len(candidate.node.css("p")) >= _OUTSTANDING_PARAGRAPHS_MIN


def _kind(node: LexborNode) -> tuple[str | None, str | None]:
    return node.tag, node.attributes.get("class")


def _candidates(body: LexborNode) -> list[_Candidate]:
    """Return the elements with running text and their ancestors, the body first; each counts its own text alone."""
    by_id = {body.mem_id: _Candidate(body, None, 0, is_aside=False)}
    for parent, chars in _text_runs(body):
        candidate = by_id.get(parent.mem_id) or _add_candidate(parent, by_id)
        if candidate is not None and not candidate.is_aside:
            candidate.chars += chars
    return [candidate for candidate in by_id.values() if not candidate.is_aside]


def _text_runs(body: LexborNode) -> Iterator[tuple[LexborNode, int]]:
    for node in body.traverse(include_text=True):
        if node.is_text_node:
            text = node.text_content or ""
            if len(text) >= _RUN_CHARS_MIN and (chars := len(text.strip())) >= _RUN_CHARS_MIN and node.parent:
                yield node.parent, chars


def _add_candidate(node: LexborNode, by_id: dict[int, _Candidate]) -> _Candidate | None:
    """Add ``node`` and those of its ancestors that are missing. Return None if it is not inside the body."""
    path: list[LexborNode] = []
    ancestor: LexborNode | None = node
    while ancestor is not None and ancestor.mem_id not in by_id:
        path.append(ancestor)
        ancestor = ancestor.parent
    if ancestor is None:
        return None
    candidate = by_id[ancestor.mem_id]
    for element in reversed(path):
        child = _Candidate(element, candidate, candidate.depth + 1, candidate.is_aside or _is_aside(element))
        if not child.is_aside:
            candidate.children.append(child)
        by_id[element.mem_id] = candidate = child
    return candidate


def _is_aside(element: LexborNode) -> bool:
    tag = element.tag
    if tag == "a":
        return True
    attributes = element.attributes
    return bool(attributes) and (
        is_hidden(attributes) or (tag not in _WRAPPERS and has_class_or_id(attributes, _NOT_THE_ARTICLE))
    )
