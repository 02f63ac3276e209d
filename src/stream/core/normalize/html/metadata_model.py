"""What a page's own metadata say of its article. No parser is imported for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the metadata say, as they say it; ``body`` is the text of the article where they give it."""

    title: str | None = None
    url: str | None = None
    published_at: str | None = None
    modified_at: str | None = None
    authors: list[str] = field(default_factory=list)
    site: str | None = None
    language: str | None = None
    section: str | None = None
    tags: list[str] = field(default_factory=list)
    summary: str | None = None
    body: str | None = None
