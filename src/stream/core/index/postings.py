"""What postings lead to: which articles a text is near to, and which postings a new article leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stream.core.index import keys
from stream.core.index.keys import POSTING_BYTES
from stream.core.index.scope_view import ScopeView

#: An article that shares less than this part of the anchors of the one with fewer is not looked at.
ANCHORS_SHARED_MIN: Final = 0.14


def most_shared(postings: Iterable[Iterable[tuple[int, int]]], anchors: int) -> list[int]:
    """The offsets that enough of the postings name, those that most do first, then the first ones."""
    shared: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for found in postings:
        for offset, size in found:
            shared[offset] = shared.get(offset, 0) + 1
            sizes[offset] = size
    near = sorted(
        (-count, offset)
        for offset, count in shared.items()
        if count >= ANCHORS_SHARED_MIN * min(sizes[offset], anchors)
    )
    return [offset for _, offset in near]


def not_leading(view: ScopeView, names: list[bytes], members: set[int], since: int) -> list[bytes]:
    """Those of ``names`` under which no posting seen ``since`` then is of one of ``members``."""
    return [
        name
        for name, value in zip(names, view.get_many(names), strict=True)
        if not value or members.isdisjoint(offset for offset, _ in keys.visible_postings(value, since))
    ]


def put_text(view: ScopeView, text_hash: str, posting: bytes) -> None:
    """Keep the first article with this text that is still visible, and the newest one."""
    name = keys.text_name(text_hash)
    value = view.get(name)
    if value:
        # Those that are not visible any more are older than those that are.
        start = len(value) - POSTING_BYTES * len(keys.visible_postings(value, view.horizon()))
        posting = value[start : start + POSTING_BYTES] + posting
    view.put(name, posting)


def visible(view: ScopeView, name: bytes, horizon: int) -> list[int]:
    """The offsets of the articles under ``name`` that are not forgotten."""
    return [offset for offset, _ in keys.visible_postings(view.get(name), horizon)]
