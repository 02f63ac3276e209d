"""A page as a tree: parsed as browsers do, rid of what is never text, narrowed to the part that holds the article."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from stream.core.normalize.html.parse_cost import parsable

#: Elements that hold no running text, whatever the page; `meta` and `link` are read before they go.
_NEVER_TEXT: Final = (
    "script,style,noscript,template,svg,math,iframe,object,embed,canvas,video,audio,map,meta,link,base,"
    "nav,aside,footer,menu,dialog,button,select,textarea,input,datalist,figure,picture"
)
_METADATA: Final = frozenset({"meta", "link"})
#: Runs of text shorter than this are labels and links; they say nothing of where the article stands.
_RUN_CHARS_MIN: Final = 20
#: An element that holds this share of the page's running text holds the article. The share is of the whole page:
#: on pages that never close their elements each level leaves a paragraph behind.
_ARTICLE_SHARE: Final = 0.8
#: Elements that are a paragraph, or a part of one: the article is never looked for inside one of them.
_INNERMOST: Final = frozenset(
    "p li ul ol dl blockquote pre h1 h2 h3 h4 h5 h6 span b strong em i u font small mark q cite code td th".split()
)
_ASIDE_ROLES: Final = frozenset(
    {"navigation", "complementary", "contentinfo", "banner", "search", "dialog", "alertdialog", "menu", "alert"}
)
#: Words in class and id that name what readers and not reporters wrote, or what asks for consent.
_NOT_THE_ARTICLE: Final = re.compile(
    r"(?:^|[\s_-])(?:comments?|respond|disqus\w*|cookies?|onetrust|consent|gdpr|newsletter|modal|popup)(?=$|[\s_-])"
    r"|comment-?list|disqus_thread",
    re.IGNORECASE,
)
_NAMES_CHARS_MAX: Final = 400
#: Elements that may bear such a name for what they contain besides the article (`<body class="has-comments">`).
_WRAPPERS: Final = frozenset({"html", "body", "main", "article"})


@dataclass(slots=True)
class Tree:
    """A parsed page: its body without what is never text, and the metadata that stood in it."""

    root: LexborNode
    body: LexborNode
    title: str
    #: Attributes of each `meta` and `link`, in their order.
    metadata: list[dict[str, str | None]] = field(default_factory=list)
    #: What stands in scripts of JSON-LD.
    json_ld: list[str] = field(default_factory=list)
    #: The address that the page's relative links start from.
    base: str | None = None


def parse(html: str) -> Tree | None:
    """The tree of ``html``; None where it has no body, or would take too long to parse."""
    # The event's text is decoded already: whatever the page declares is passed over, and half a surrogate is a "?".
    data = parsable(html.encode("utf-8", "replace").replace(b"\0", b""))
    if data is None:
        return None
    # `scripting` as in browsers: what is meant for readers without scripts is one text in `noscript`, and goes.
    parser = LexborHTMLParser(data, scripting=True)
    root, head = parser.root, parser.head
    if root is None or parser.body is None:
        return None
    title = head.css_first("title") if head else None
    tree = Tree(root, parser.body, title.text() if title else "")
    never_text = root.css(_NEVER_TEXT)
    for element in never_text:
        tag = element.tag
        if tag in _METADATA:
            tree.metadata.append(element.attributes)
        elif tag == "script" and "ld+json" in (element.attributes.get("type") or ""):
            tree.json_ld.append(element.text())
        elif tag == "base" and tree.base is None:
            tree.base = element.attributes.get("href")
    remove(never_text)
    return tree


def remove(elements: Sequence[LexborNode]) -> None:
    """Take ``elements``, which stand in the page's order, out of their tree.

    From the last to the first: removing an element frees what is inside it, which must not be touched any more.
    """
    for element in reversed(elements):
        element.decompose()


@dataclass(slots=True)
class _Part:
    """An element that holds running text."""

    node: LexborNode
    parent: _Part | None
    depth: int
    aside: bool
    chars: int = 0
    children: list[_Part] = field(default_factory=list)


def article_part(body: LexborNode) -> LexborNode:
    """The deepest element of ``body`` that holds nearly all running text; ``body`` itself where there is none.

    Links, comments and hidden parts are not counted. They are no part of the text and may be longer than it.
    """
    parts = _parts(body)
    top = parts[0]
    for part in sorted(parts, key=lambda part: -part.depth):
        if part.parent is not None:
            part.parent.chars += part.chars
    while top.children:
        best = max(top.children, key=lambda part: part.chars)
        if best.chars < _ARTICLE_SHARE * parts[0].chars or best.node.tag in _INNERMOST:
            break
        top = best
    return top.node


def _parts(body: LexborNode) -> list[_Part]:
    top = _Part(body, None, 0, aside=False)
    known = {body.mem_id: top}
    parts = [top]
    for parent, chars in _runs(body):
        part = known.get(parent.mem_id)
        if part is None:
            part = _place(parent, known, parts)
        if part is not None and not part.aside:
            part.chars += chars
    return parts


def _runs(body: LexborNode) -> Iterator[tuple[LexborNode, int]]:
    for node in body.traverse(include_text=True):
        if node.is_text_node:
            text = node.text_content or ""
            if len(text) >= _RUN_CHARS_MIN and (chars := len(text.strip())) >= _RUN_CHARS_MIN and node.parent:
                yield node.parent, chars


def _place(node: LexborNode, known: dict[int, _Part], parts: list[_Part]) -> _Part | None:
    """The part for ``node``, with those above it that were not known yet. Each element is placed once."""
    path: list[LexborNode] = []
    above: LexborNode | None = node
    while above is not None and above.mem_id not in known:
        path.append(above)
        above = above.parent
    if above is None:
        return None
    part = known[above.mem_id]
    for element in reversed(path):
        inner = _Part(element, part, part.depth + 1, part.aside or _is_aside(element))
        if not inner.aside:
            part.children.append(inner)
            parts.append(inner)
        known[element.mem_id] = part = inner
    return part


def _is_aside(element: LexborNode) -> bool:
    tag = element.tag
    if tag == "a":
        return True
    given = element.attributes
    return bool(given) and (is_hidden(given) or (tag not in _WRAPPERS and is_named(given, _NOT_THE_ARTICLE)))


def is_hidden(given: dict[str, str | None]) -> bool:
    """Whether an element with the attributes ``given`` is not shown, or stands beside the page's main part."""
    style = given.get("style")
    return (
        "hidden" in given
        or given.get("aria-hidden") == "true"
        or given.get("role") in _ASIDE_ROLES
        or (style is not None and "display:none" in style.replace(" ", "").lower())
    )


def is_named(given: dict[str, str | None], words: re.Pattern[str]) -> bool:
    """Whether the class or the id of an element has one of ``words``."""
    names = f"{given.get('class') or ''} {given.get('id') or ''}"
    return len(names) > 1 and _has(names[:_NAMES_CHARS_MAX], words)


@lru_cache(maxsize=4_096)
def _has(names: str, words: re.Pattern[str]) -> bool:
    # Remembered, as the paragraphs of a page, and the pages of a site, share their names.
    return words.search(names) is not None
