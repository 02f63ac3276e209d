"""The article that a page describes in JSON-LD (schema.org), wherever in the graph it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

#: Pages have a few scripts; any beyond these limits are ignored.
_SCRIPTS_MAX: Final = 40
_SCRIPT_CHARS_MAX: Final = 1_000_000
_NODES_MAX: Final = 2_000
#: Properties that lead from a node to others about the same article. Lists of other articles are not followed.
_FOLLOWED_PROPERTIES: Final = ("@graph", "mainEntity", "mainEntityOfPage", "hasPart")
_TRAILING_COMMA: Final = re.compile(r",\s*+([}\]])")
_COMMENT_MARKS: Final = re.compile(r"^\s*+(?://\s*+)?(?:<!--|<!\[CDATA\[)|(?://\s*+)?(?:-->|\]\]>)\s*+;?\s*+$")

Node = dict[str, Any]


class JsonLdArticle:
    """The properties of a page's article. A lookup never fails, whatever the graph holds."""

    def __init__(self, nodes: list[Node], url: str | None = None) -> None:
        """Choose the article with this URL from ``nodes``, else the first article; the page's own node comes second."""
        self._by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
        articles = [node for node in nodes if _is_article(node)]
        with_url = [node for node in articles if url is not None and url in _urls(node)]
        pages = [node for node in nodes if "WebPage" in _types(node)]
        self._nodes = (with_url or articles)[:1] + pages[:1]

    def text(self, *names: str) -> str | None:
        """Return the first text of the first of the properties ``names`` that has one."""
        return next((text for name in names for text in self.texts(name)), None)

    def texts(self, name: str) -> list[str]:
        """Return the values of the property ``name``: texts as they are, other things by their name."""
        for node in self._nodes:
            texts = [text for value in _as_list(node.get(name)) for text in self._texts_of(value)]
            if texts:
                return texts
        return []

    def _texts_of(self, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            value = self._by_id.get(value.get("@id"), value) if "name" not in value else value
            # The name of a language may be in any language; its alternate name is its BCP 47 tag.
            names = ("alternateName", "name") if value.get("@type") == "Language" else ("name", "alternateName")
            value = value.get(names[0]) or value.get(names[1])
        for text in _as_list(value):
            if isinstance(text, str) and text.strip():
                yield text.strip()


def read_json_ld(scripts: Iterable[str], url: str | None) -> JsonLdArticle:
    """Read the article from ``scripts``, the one with ``url`` if there are several.

    Common syntax errors are fixed; a script that still cannot be parsed is skipped.

    >>> read_json_ld(['{"@type": "NewsArticle", "headline": "Garden opens",}'], None).text("headline")
    'Garden opens'
    """
    nodes: list[Node] = []
    for number, script in enumerate(scripts):
        if number == _SCRIPTS_MAX or len(nodes) >= _NODES_MAX:
            break
        if len(script) <= _SCRIPT_CHARS_MAX:
            nodes.extend(_collect_nodes(_parse(script)))
    return JsonLdArticle(nodes, url)


def _parse(script: str) -> Any:
    try:
        return orjson.loads(script)
    except ValueError:
        return _parse_leniently(script)


def _parse_leniently(script: str) -> Any:
    """Parse JSON with line breaks inside strings, trailing commas, or comment marks around it; None if that fails."""
    content = _COMMENT_MARKS.sub("", script).strip().removesuffix(";")
    for candidate in (content, _TRAILING_COMMA.sub(r"\1", content)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _collect_nodes(value: Any) -> list[Node]:
    nodes: list[Node] = []
    queue = [value]
    while queue and len(nodes) < _NODES_MAX:
        item = queue.pop(0)
        if isinstance(item, list):
            queue[:0] = item[:_NODES_MAX]
        elif isinstance(item, dict):
            nodes.append(item)
            queue.extend(item[name] for name in _FOLLOWED_PROPERTIES if isinstance(item.get(name), dict | list))
    return nodes


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _types(node: Node) -> list[str]:
    return [name.rpartition("/")[2] for name in _as_list(node.get("@type")) if isinstance(name, str)]


def _is_article(node: Node) -> bool:
    # NewsArticle, ReportageNewsArticle, BlogPosting, LiveBlogPosting and so on.
    return any(name.endswith(("Article", "Posting")) or name == "Report" for name in _types(node))


def _urls(node: Node) -> set[str]:
    page = node.get("mainEntityOfPage")
    values = (node.get("url"), node.get("@id"), page, page.get("@id") if isinstance(page, dict) else None)
    return {value for value in values if isinstance(value, str)}
