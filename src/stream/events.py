"""The events on the wire, one definition each; JSON Schemas and the AsyncAPI document come from here.

Times are RFC 3339 in UTC with milliseconds, languages BCP 47 tags, names those of IPTC ninjs and
schema.org where they have one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

Direction = Literal["ltr", "rtl"]
Status = Literal["usable", "canceled"]
Relation = Literal["new", "revision", "expansion", "recrawl", "copy", "near_copy", "excerpt"]

RELATIONS: tuple[Relation, ...] = get_args(Relation)
#: Relations whose events go to the duplicates topic.
DUPLICATE_RELATIONS: frozenset[Relation] = frozenset({"recrawl", "copy", "near_copy", "excerpt"})

Time = Annotated[str, Meta(description="RFC 3339, UTC, milliseconds", examples=["2026-05-04T06:00:00.000Z"])]
Share = Annotated[float, Meta(ge=0, le=1)]
When = Annotated[
    str | int | float, Meta(description="RFC 3339 or RFC 2822 text, or epoch seconds or milliseconds")
]


class Source(Struct, frozen=True, kw_only=True):
    """Who published the article."""

    name: str | None = None
    domain: str | None = None


class RawEvent(Struct, frozen=True, kw_only=True):
    """What a scraper sends: ``url`` or ``id``, and ``text`` or ``html``. Unknown fields move to ``extra``."""

    url: str | None = None
    id: Annotated[str | None, Meta(description="stable id of the article, unique within the tenant")] = None
    text: Annotated[str | None, Meta(description="plain text, one paragraph a line")] = None
    html: Annotated[str | None, Meta(description="the page, or a part of it; read when there is no text")] = None
    title: str | None = None
    summary: str | None = None
    language: Annotated[str | None, Meta(description="BCP 47 tag; checked against the text")] = None
    published_at: When | None = None
    modified_at: When | None = None
    fetched_at: When | None = None
    authors: list[str] | None = None
    source: Source | str | None = None
    section: str | None = None
    tags: list[str] | None = None
    tenant: str | None = None
    status: str | None = None
    extra: dict[str, Any] | None = None


class Language(Struct, frozen=True, kw_only=True):
    """The language of title and text."""

    tag: Annotated[str, Meta(description="BCP 47; und where the text does not tell")]
    confidence: Share
    direction: Direction


class Content(Struct, frozen=True, kw_only=True):
    """Figures of the published text."""

    chars: int
    words: int
    hash: Annotated[str, Meta(description="sha256: and 64 hexadecimal digits, of the text in UTF-8")]


class Fix(Struct, frozen=True, kw_only=True):
    """One normalization step that changed something."""

    step: str
    count: int


class Origin(Struct, frozen=True, kw_only=True):
    """Where the raw event stood."""

    topic: str
    partition: int
    offset: int
    timestamp: Time | None = None
    item: Annotated[int | None, Meta(description="position, where one message held an array")] = None


class Article(Struct, frozen=True, kw_only=True):
    """What the normalized and the enriched event share."""

    event_id: Annotated[str, Meta(description="the same for every delivery of one event")]
    id: Annotated[str, Meta(description="the scraper's id, else one made from the canonical URL")]
    tenant: str
    url: str | None = None
    canonical_url: str | None = None
    domain: str | None = None
    title: str | None = None
    text: str
    summary: str | None = None
    teaser: Annotated[str | None, Meta(description="a cut copy of the first paragraph that stood before it")] = None
    language: Language
    authors: list[str] = []
    source: Source
    section: str | None = None
    tags: list[str] = []
    published_at: Time | None = None
    modified_at: Time | None = None
    fetched_at: Time | None = None
    content: Content
    fixes: list[Fix] = []
    origin: Origin
    extra: dict[str, Any] = {}


class NormalizedEvent(Article, frozen=True, kw_only=True):
    """A clean article on its way to the duplicate decision; its key is tenant and language."""

    url_key: Annotated[str | None, Meta(description="what tells its address from another one")] = None
    event_time: Annotated[int, Meta(description="milliseconds since 1970: fetched_at, else the raw record's time")]


class Duplicate(Struct, frozen=True, kw_only=True):
    """The verdict, and why."""

    relation: Relation
    is_duplicate: bool
    duplicate_of: Annotated[str | None, Meta(description="id of the article it relates to; null for new")] = None
    cluster_id: str
    jaccard: Annotated[Share | None, Meta(description="resemblance of the shingle sets")] = None
    containment: Annotated[Share | None, Meta(description="share of the shorter text found in the longer")] = None
    title_similarity: Share | None = None
    same_source: bool | None = None
    method: Annotated[str, Meta(description="the rule that decided")]
    version: Annotated[str, Meta(description="rules and parameters that decided")]


class EnrichedEvent(Article, frozen=True, kw_only=True):
    """What consumers read, in the enriched and in the duplicates topic."""

    revision: Annotated[int, Meta(ge=1, description="1 for the first version seen, one more for each revision")]
    duplicate: Duplicate


class ClusterEvent(Struct, frozen=True, kw_only=True):
    """One duplicate cluster as it stands; the topic keeps the newest record of each."""

    cluster_id: str
    canonical_id: Annotated[str, Meta(description="the article that the cluster began with")]
    size: Annotated[int, Meta(description="events in the cluster, revisions and copies included")]
    sources: Annotated[list[str], Meta(description="domains or names, sorted, at most 100")]
    languages: list[str]
    first_seen: Time
    last_seen: Time
    earliest_published_at: Time | None = None


class FingerprintEvent(Struct, frozen=True, kw_only=True):
    """One record of the index's changelog: all that later decisions need of one article."""

    event_id: str
    offset: Annotated[int, Meta(description="offset in the normalized topic at which the verdict was made")]
    previous: Annotated[int, Meta(description="offset of the record before it in this partition, -1 for none")]
    event_time: int
    scope: str
    id: str
    url_key: str | None = None
    source: str | None = None
    published_at: Time | None = None
    text_hash: Annotated[str, Meta(description="hash of the folded tokens")]
    content_hash: str
    tokens: int
    level: Annotated[int, Meta(description="the sketch keeps shingle hashes divisible by 2 to the level")]
    sketch: Annotated[bytes, Meta(description="sorted little-endian 32-bit shingle hashes")]
    anchors: Annotated[bytes, Meta(description="sorted little-endian 64-bit winnowed shingle hashes")]
    numbers: Annotated[bytes, Meta(description="sorted little-endian 32-bit hashes of number tokens")]
    title: Annotated[bytes, Meta(description="sorted little-endian 32-bit hashes of title tokens")]
    revision: int
    duplicate: Duplicate
    origin: Origin


class DeadLetterHeaders(Struct, frozen=True, kw_only=True, rename=lambda name: f"__errors.{name}"):
    """Headers added to a rejected record, beside its own; key and value stay as they came."""

    code: str
    message: str
    stage: Literal["normalize", "deduplicate"]
    topic: str
    partition: str
    offset: str
    timestamp: str
    field: str | UnsetType = UNSET
    items: Annotated[str | UnsetType, Meta(description="positions, where one message held an array")] = UNSET
