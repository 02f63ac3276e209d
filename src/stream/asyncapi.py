"""The AsyncAPI document: every topic, its keys, its messages and who sends them; `stream.contracts` packages it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from stream import cloudevents
from stream.topics import Topics, topic_specs
from stream.validate import DEFAULT_LIMITS

Json = dict[str, Any]


class _Channel(NamedTuple):
    """One topic. ``event``: its component; ``example``: its name; ``kind``: the type in CloudEvents."""

    message: str
    event: str
    example: str
    summary: str
    key: Json
    kind: str | None = None
    actions: tuple[str, ...] = ("send",)


_SCOPE_KEY: Final[Json] = {
    "type": "string",
    "description": "the scope, tenant/language: what can be a copy of each other has one partition and one order",
    "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}/[a-z]{2,3}$",
}
_ARTICLE_KEY: Final[Json] = {"type": "string", "description": "the article's id"}
_CHANNELS: Final[dict[str, _Channel]] = {
    "raw": _Channel(
        "RawArticle",
        "RawEvent",
        "raw",
        "Articles as scrapers send them: one in a message, or an array of them.",
        {"type": ["string", "null"], "description": "free; messages with one key keep their order"},
        actions=("receive",),
    ),
    "normalized": _Channel(
        "NormalizedArticle",
        "NormalizedEvent",
        "normalized",
        "Clean articles on their way to the duplicate decision; internal, written by the normalize step alone.",
        _SCOPE_KEY,
        "article.normalized.v1",
        ("send", "receive"),
    ),
    "enriched": _Channel(
        "EnrichedArticle",
        "EnrichedEvent",
        "enriched",
        "New articles, revisions and expansions: each story once.",
        _ARTICLE_KEY,
        "article.enriched.v1",
    ),
    "duplicates": _Channel(
        "DuplicateArticle",
        "EnrichedEvent",
        "duplicate",
        "Copies, near copies, excerpts and recrawls, each linked to what it copies.",
        _ARTICLE_KEY,
        "article.duplicate.v1",
    ),
    "clusters": _Channel(
        "Cluster",
        "ClusterEvent",
        "cluster",
        "Clusters of two or more events; the newest record of a cluster replaces those before it.",
        {"type": "string", "description": "the cluster's id", "pattern": "^[0-9a-f]{32}$"},
        "cluster.v1",
    ),
    "fingerprints": _Channel(
        "Fingerprint",
        "FingerprintEvent",
        "fingerprint",
        "Changelog of the duplicate index, in the same partitions as the normalized topic; internal.",
        _SCOPE_KEY,
        "article.fingerprint.v1",
        ("send", "receive"),
    ),
    "rejected": _Channel(
        "RejectedMessage",
        "DeadLetterHeaders",
        "rejected-headers",
        "Messages that were rejected, as they came, with the reason in headers.",
        {"type": ["string", "null"], "description": "the original key, untouched"},
    ),
}
_INTRODUCTION: Final = (
    "Raw scraped articles in; new articles, revisions and copies out, each copy linked to what it copies.\n\n"
    "Delivery is at least once: an event may come again, with the same `event_id` and the same content. "
    "Every field of a published event is present, and null where its value is not known. "
    "Fields may be added: ignore those that you do not know."
)


def asyncapi(version: str, schemas: Json, examples: dict[str, Json]) -> Json:
    """The AsyncAPI 3.0 document of all topics, under their usual names.

    ``schemas``: components by the names of the events' types. ``examples``: events by the names in `_CHANNELS`.
    """
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:article-stream:asyncapi:v{version.partition('.')[0]}",
        "info": {
            "title": "Article stream",
            "version": version,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": {
            f"{action}{name.title()}": _operation(name, channel, action)
            for name, channel in _CHANNELS.items()
            for action in channel.actions
        },
        "components": {
            "messages": {
                channel.message: _message(name, channel, examples[channel.example])
                for name, channel in _CHANNELS.items()
            },
            "schemas": {**schemas, "CloudEventHeaders": _HEADERS, "CloudEventHeadersOfRaw": _HEADERS_OF_RAW},
        },
    }


def _channels() -> Json:
    topics = Topics()
    # Neither cleanup nor sizes depend on what is handed in here.
    specs = topic_specs(topics, raw_partitions=1, scope_partitions=1, output_partitions=1, retention_ms=1, window_ms=1)
    configs = {spec.name: spec.config for spec in specs}
    return {
        name: {
            "address": getattr(topics, name),
            "summary": channel.summary,
            "messages": {channel.message: _ref("messages", channel.message)},
            "bindings": _kafka({"topicConfiguration": _topic_configuration(configs[getattr(topics, name)])}),
        }
        for name, channel in _CHANNELS.items()
    }


def _topic_configuration(config: dict[str, str]) -> Json:
    return {
        "cleanup.policy": config["cleanup.policy"].split(","),
        "max.message.bytes": int(config["max.message.bytes"]),
    }


def _operation(name: str, channel: _Channel, action: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{channel.message}"}],
    }


def _message(name: str, channel: _Channel, example: Json) -> Json:
    return {
        "summary": channel.summary,
        "contentType": "application/octet-stream" if name == "rejected" else "application/json",
        **_content(name, channel, example),
        "bindings": _kafka({"key": channel.key}),
    }


def _content(name: str, channel: _Channel, example: Json) -> Json:
    event = _ref("schemas", channel.event)
    if name == "raw":
        many = {"type": "array", "items": event, "minItems": 1, "maxItems": DEFAULT_LIMITS.array_items}
        headers = _ref("schemas", "CloudEventHeadersOfRaw")
        return {"headers": headers, "payload": {"oneOf": [event, many]}, "examples": [{"payload": example}]}
    if name == "rejected":
        payload = {"description": "the original value, untouched: any bytes, or none"}
        return {"headers": event, "payload": payload, "examples": [{"headers": example}]}
    sent = _headers_example(name, channel, example)
    headers = {
        "type": "object",
        "allOf": [_ref("schemas", "CloudEventHeaders")],
        "properties": {"ce_type": {"const": sent["ce_type"]}},
    }
    return {"headers": headers, "payload": event, "examples": [{"headers": sent, "payload": example}]}


def _headers_example(name: str, channel: _Channel, example: Json) -> dict[str, str]:
    event_id = example.get("event_id") or f"{example['cluster_id']}.{example['size']}"
    made = cloudevents.headers(f"/{getattr(Topics(), name)}", event_id, channel.kind or "", "2026-05-04T06:00:02.500Z")
    return {header: value.decode() for header, value in made}


def _ref(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}


def _kafka(binding: Json) -> Json:
    return {"kafka": {**binding, "bindingVersion": "0.5.0"}}


_HEADERS: Final[Json] = {
    "title": "CloudEventHeaders",
    "description": "CloudEvents 1.0 in its Kafka binding, binary mode; values are UTF-8.",
    "type": "object",
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "minLength": 1, "description": "the event_id; of a cluster, its id and size"},
        "ce_source": {"type": "string", "format": "uri-reference", "description": "a slash and the topic"},
        "ce_type": {"type": "string", "minLength": 1},
        "ce_time": {"type": "string", "format": "date-time", "description": "when it was published"},
        "content-type": {"const": "application/json"},
    },
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"],
}
_HEADERS_OF_RAW: Final[Json] = {
    "title": "CloudEventHeadersOfRaw",
    "description": "Optional. Source and id together name the event, so that one sent twice is known; without them "
    "its place in the topic does.",
    "type": "object",
    "properties": {
        "ce_id": {"type": "string", "description": "another one for every event of the source"},
        "ce_source": {"type": "string", "description": "the scraper"},
        "content-type": {
            "type": "string",
            "description": "application/cloudevents+json where the value is a CloudEvent with the article in data",
        },
    },
}
