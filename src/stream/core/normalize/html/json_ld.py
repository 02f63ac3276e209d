"""The article that a page describes in JSON-LD (schema.org), out of whatever graph it stands in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

#: Pages have a few scripts; what comes behind is not looked at.
_SCRIPTS_MAX: Final = 40
_SCRIPT_CHARS_MAX: Final = 1_000_000
_NODES_MAX: Final = 2_000
#: Properties that lead from one node to others of the same article. Lists of other articles are not followed.
_LEADS: Final = ("@graph", "mainEntity", "mainEntityOfPage", "hasPart")
_TRAILING_COMMA: Final = re.compile(r",\s*+([}\]])")
_WRAPPING: Final = re.compile(r"^\s*+(?://\s*+)?(?:<!--|<!\[CDATA\[)|(?://\s*+)?(?:-->|\]\]>)\s*+;?\s*+$")

Node = dict[str, Any]


class JsonLdArticle:
    """The properties of a page's article; every question has an answer, though the graph may hold anything."""

    def __init__(self, nodes: list[Node], address: str | None = None) -> None:
        """Take the article with ``address`` out of ``nodes``, else the first one, else the page itself."""
        self._by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
        articles = [node for node in nodes if _is_article(node)]
        at_address = [node for node in articles if address is not None and address in _addresses(node)]
        pages = [node for node in nodes if "WebPage" in _types(node)]
        self._nodes = (at_address or articles)[:1] + pages[:1]

    def text(self, *names: str) -> str | None:
        """The first of the properties ``names`` that is a text, or a list or thing that begins with one."""
        return next((text for name in names for text in self.texts(name)), None)

    def texts(self, name: str) -> list[str]:
        """What the property ``name`` says: texts as they are, things by their name."""
        for node in self._nodes:
            found = [text for value in _listed(node.get(name)) for text in self._names(value)]
            if found:
                return found
        return []

    def _names(self, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            value = self._by_id.get(value.get("@id"), value) if "name" not in value else value
            # The name of a language is written in any language; its other name is its tag.
            names = ("alternateName", "name") if value.get("@type") == "Language" else ("name", "alternateName")
            value = value.get(names[0]) or value.get(names[1])
        for text in _listed(value):
            if isinstance(text, str) and text.strip():
                yield text.strip()


def read_json_ld(scripts: Iterable[str], address: str | None) -> JsonLdArticle:
    """The article in ``scripts``, the one at ``address`` if there are several. Broken scripts are mended or passed."""
    nodes: list[Node] = []
    for number, script in enumerate(scripts):
        if number == _SCRIPTS_MAX or len(nodes) >= _NODES_MAX:
            break
        if len(script) <= _SCRIPT_CHARS_MAX:
            nodes.extend(_nodes(_load(script)))
    return JsonLdArticle(nodes, address)


def _load(script: str) -> Any:
    try:
        return orjson.loads(script)
    except ValueError:
        return _load_broken(script)


def _load_broken(script: str) -> Any:
    """JSON with line breaks inside strings, commas behind the last item, or comment marks around it."""
    bare = _WRAPPING.sub("", script).strip().removesuffix(";")
    for candidate in (bare, _TRAILING_COMMA.sub(r"\1", bare)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _nodes(value: Any) -> list[Node]:
    found: list[Node] = []
    waiting = [value]
    while waiting and len(found) < _NODES_MAX:
        at = waiting.pop(0)
        if isinstance(at, list):
            waiting[:0] = at[:_NODES_MAX]
        elif isinstance(at, dict):
            found.append(at)
            waiting.extend(at[name] for name in _LEADS if isinstance(at.get(name), dict | list))
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _types(node: Node) -> list[str]:
    return [kind.rpartition("/")[2] for kind in _listed(node.get("@type")) if isinstance(kind, str)]


def _is_article(node: Node) -> bool:
    # NewsArticle, ReportageNewsArticle, BlogPosting, LiveBlogPosting and their like.
    return any(kind.endswith(("Article", "Posting")) or kind == "Report" for kind in _types(node))


def _addresses(node: Node) -> set[str]:
    of_page = node.get("mainEntityOfPage")
    said = (node.get("url"), node.get("@id"), of_page, of_page.get("@id") if isinstance(of_page, dict) else None)
    return {value for value in said if isinstance(value, str)}
