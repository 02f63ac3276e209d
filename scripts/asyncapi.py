"""The AsyncAPI document: every topic with its keys, its messages and who sends them.

`scripts.generate_contracts` writes it into the package.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from stream.core.contracts import cloudevents
from stream.core.contracts.topics import Topics, topic_specs
from stream.core.contracts.trace_context import TRACEPARENT, TRACEPARENT_PATTERN, TRACESTATE, TRACESTATE_BYTES_MAX
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER, DEAD_LETTER_HEADER
from stream.core.validation import DEFAULT_LIMITS

Json = dict[str, Any]


class _Message(NamedTuple):
    """One message of a topic.

    ``event``: name of its schema component, empty for a tombstone. ``example``: name of its example. ``event_type``:
    its CloudEvents type.
    """

    name: str
    event: str
    example: str
    summary: str
    key: Json
    event_type: str = ""


class _Channel(NamedTuple):
    """One topic."""

    summary: str
    messages: tuple[_Message, ...]
    actions: tuple[str, ...] = ("send",)


_TENANT: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_SCOPE_KEY: Final[Json] = {
    "type": "string",
    "description": "the scope, tenant/language: articles that may be copies of each other share a partition",
    "pattern": f"^{_TENANT}/[a-z]{{2,3}}$",
}
_ARTICLE_KEY: Final[Json] = {"type": "string", "description": "tenant/id of the article", "pattern": f"^{_TENANT}/"}
_CLUSTER_KEY: Final[Json] = {
    "type": "string",
    "description": "tenant/cluster_id",
    "pattern": f"^{_TENANT}/[0-9a-f]{{32}}$",
}
_WITHDRAWN: Final = _Message(
    "WithdrawnArticle",
    "",
    "takedown",
    "A tombstone (no value): the article with this id was withdrawn, in all versions. Both topics get it.",
    _ARTICLE_KEY,
    cloudevents.WITHDRAWN,
)
_CHANNELS: Final[dict[str, _Channel]] = {
    "raw": _Channel(
        "Articles and takedowns as scrapers send them: one per message, or an array of them.",
        (
            _Message(
                "RawArticle",
                "RawEvent",
                "raw",
                "An article; or, with the status canceled, a takedown of the article with this id or URL.",
                {"type": ["string", "null"], "description": "any key; messages with the same key keep their order"},
            ),
        ),
        actions=("receive",),
    ),
    "normalized": _Channel(
        "Clean articles and takedowns on their way to the duplicate decision; internal, written by the normalize step "
        "only.",
        (
            _Message(
                "NormalizedArticle",
                "NormalizedEvent",
                "normalized",
                "A clean article, in the partition of its scope.",
                _SCOPE_KEY,
                cloudevents.NORMALIZED,
            ),
            _Message(
                "Takedown",
                "TakedownEvent",
                "takedown",
                "A takedown, sent to every partition, since it does not say the language of its article.",
                {"type": "string", "description": "tenant/*", "pattern": f"^{_TENANT}/\\*$"},
                cloudevents.TAKEDOWN,
            ),
        ),
        ("send", "receive"),
    ),
    "enriched": _Channel(
        "New articles, revisions and expansions, so each story once; and tombstones of withdrawn articles.",
        (
            _Message(
                "EnrichedArticle",
                "EnrichedEvent",
                "enriched",
                "A new article, a revision or an expansion; or a copy that became canonical because of a takedown.",
                _ARTICLE_KEY,
                cloudevents.ENRICHED,
            ),
            _WITHDRAWN,
        ),
    ),
    "duplicates": _Channel(
        "Copies, near copies, excerpts and recrawls; and tombstones of withdrawn articles.",
        (
            _Message(
                "DuplicateArticle",
                "EnrichedEvent",
                "duplicate",
                "A copy, near copy, excerpt or recrawl, linked to the earlier article.",
                _ARTICLE_KEY,
                cloudevents.DUPLICATE,
            ),
            _WITHDRAWN,
        ),
    ),
    "clusters": _Channel(
        "Clusters of two or more events; the newest record of a cluster replaces the earlier ones.",
        (
            _Message(
                "Cluster",
                "ClusterEvent",
                "cluster",
                "The current state of a cluster; it has one event only if a takedown removed the others.",
                _CLUSTER_KEY,
                cloudevents.CLUSTER,
            ),
            _Message(
                "EmptiedCluster",
                "",
                "emptied-cluster",
                "A tombstone (no value): every article of the cluster was withdrawn.",
                _CLUSTER_KEY,
                cloudevents.CLUSTER_WITHDRAWN,
            ),
            _Message(
                "ExpiredCluster",
                "",
                "expired-cluster",
                "A tombstone (no value): every article of the cluster has left the window, and nothing can join it.",
                _CLUSTER_KEY,
                cloudevents.CLUSTER_EXPIRED,
            ),
        ),
    ),
    "fingerprints": _Channel(
        "Changelog of the duplicate index, in the same partitions as the normalized topic; internal.",
        (
            _Message(
                "Fingerprint",
                "FingerprintEvent",
                "fingerprint",
                "Everything that later decisions need of one article.",
                _SCOPE_KEY,
                cloudevents.FINGERPRINT,
            ),
            _Message(
                "Removal",
                "RemovalEvent",
                "removal",
                "A takedown that was applied, perhaps to no article.",
                {"type": "string", "description": "tenant/*", "pattern": f"^{_TENANT}/\\*$"},
                cloudevents.REMOVAL,
            ),
            _Message(
                "Recovery",
                "RecoveryEvent",
                "recovery",
                "An operator has decided how to go on after a log went back.",
                {"type": "string", "description": "always *: all scopes of the partition", "const": "*"},
                cloudevents.RECOVERY,
            ),
        ),
        ("send", "receive"),
    ),
    "rejected": _Channel(
        "Rejected messages, unchanged, with the reason in headers.",
        (
            _Message(
                "RejectedMessage",
                "DeadLetterHeaders",
                "rejected-headers",
                "A rejected message, unchanged.",
                {"type": ["string", "null"], "description": "the original key, unchanged"},
            ),
        ),
    ),
}
_INTRODUCTION: Final = (
    "Raw scraped articles in; new articles, revisions and copies out, each copy linked to the earlier article.\n\n"
    "Delivery is at least once: an event may be delivered again, with the same `event_id` and the same content. "
    "Published events have all their fields; a field without a value is null. "
    "Fields may be added later: ignore unknown fields. A record without a value withdraws the article or cluster that "
    "its key names."
)


def asyncapi(version: str, schemas: Json, examples: dict[str, Json]) -> Json:
    """Make the AsyncAPI 3.0 document of all topics, under their usual names.

    ``schemas``: event type -> schema component. ``examples``: name of an example in `_CHANNELS` -> event.
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
                message.name: _message(name, message, examples)
                for name, channel in _CHANNELS.items()
                for message in channel.messages
            },
            "schemas": {**schemas, "CloudEventHeaders": _HEADERS, "CloudEventHeadersOfRaw": _HEADERS_OF_RAW},
        },
    }


def _channels() -> Json:
    topics = Topics()
    # Neither cleanup policies nor sizes depend on these arguments.
    specs = topic_specs(topics, raw_partitions=1, scope_partitions=1, output_partitions=1, retention_ms=1, window_ms=1)
    configs = {spec.name: spec.config for spec in specs}
    return {
        name: {
            "address": getattr(topics, name),
            "summary": channel.summary,
            "messages": {message.name: _ref("messages", message.name) for message in channel.messages},
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
        "messages": [{"$ref": f"#/channels/{name}/messages/{message.name}"} for message in channel.messages],
    }


def _message(name: str, message: _Message, examples: dict[str, Json]) -> Json:
    return {
        "summary": message.summary,
        "contentType": "application/octet-stream" if name == "rejected" else "application/json",
        **_content(name, message, examples),
        "bindings": _kafka({"key": message.key}),
    }


def _content(name: str, message: _Message, examples: dict[str, Json]) -> Json:
    event = _ref("schemas", message.event)
    if name == "raw":
        many = {"type": "array", "items": event, "minItems": 1, "maxItems": DEFAULT_LIMITS.array_items}
        headers = _ref("schemas", "CloudEventHeadersOfRaw")
        payload: Json = {"oneOf": [event, many]}
        return {"headers": headers, "payload": payload, "examples": [{"payload": examples[message.example]}]}
    if name == "rejected":
        payload = {"description": "the original value, unchanged: any bytes, or none"}
        return {"headers": event, "payload": payload, "examples": [{"headers": examples[message.example]}]}
    example_headers = _headers_example(name, message, examples)
    headers = {
        "type": "object",
        "allOf": [_ref("schemas", "CloudEventHeaders")],
        "properties": {"ce_type": {"const": example_headers["ce_type"]}},
    }
    if not message.event:
        return {
            "headers": headers,
            "payload": {"type": "null"},
            "examples": [{"headers": example_headers, "payload": None}],
        }
    return {
        "headers": headers,
        "payload": event,
        "examples": [{"headers": example_headers, "payload": examples[message.example]}],
    }


def _headers_example(name: str, message: _Message, examples: dict[str, Json]) -> dict[str, str]:
    cause = {"emptied-cluster": "takedown", "expired-cluster": "enriched"}.get(message.example)
    if cause:
        event_id = f"{examples[cause]['event_id']}.{examples['cluster']['cluster_id']}"
    else:
        example = examples[message.example]
        event_id = example.get("event_id") or f"{example['cluster_id']}.{example['size']}"
    extensions = {"tenant": examples["takedown"]["tenant"]}
    if message.event_type == cloudevents.WITHDRAWN:
        extensions["articleid"] = examples["takedown"]["id"]
    headers = cloudevents.headers(
        f"/{getattr(Topics(), name)}", event_id, message.event_type, "2026-05-04T06:00:02.500Z", **extensions
    )
    return {header: value.decode() for header, value in headers}


def _ref(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}


def _kafka(binding: Json) -> Json:
    return {"kafka": {**binding, "bindingVersion": "0.5.0"}}


_CE_ID: Final = (
    "the event_id; for a tombstone, the event_id of the takedown, or of the withdrawn event that was delivered again; "
    "for a cluster, its id and size, or the event_id of the takedown or article that changed it and the cluster's id"
)
_TRACE: Final[Json] = {
    TRACEPARENT: {
        "type": "string",
        "pattern": TRACEPARENT_PATTERN,
        "description": "W3C Trace Context of the raw message; absent if it had no valid one",
    },
    TRACESTATE: {
        "type": "string",
        "maxLength": TRACESTATE_BYTES_MAX,
        "description": "W3C Trace Context of the raw message; only together with a traceparent",
    },
}
_HEADERS: Final[Json] = {
    "title": "CloudEventHeaders",
    "description": "CloudEvents 1.0 in its Kafka binding, binary mode; values are UTF-8.",
    "type": "object",
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "minLength": 1, "description": _CE_ID},
        "ce_source": {"type": "string", "format": "uri-reference", "description": "a slash and the name of the topic"},
        "ce_type": {"type": "string", "minLength": 1},
        "ce_tenant": {"type": "string", "description": "owner of the article or cluster", "pattern": f"^{_TENANT}$"},
        "ce_articleid": {"type": "string", "description": "id of the withdrawn article; on tombstones only"},
        "ce_time": {"type": "string", "format": "date-time", "description": "when it was published"},
        "content-type": {"const": "application/json"},
        **_TRACE,
    },
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_tenant", "content-type"],
}
_HEADERS_OF_RAW: Final[Json] = {
    "title": "CloudEventHeadersOfRaw",
    "description": "Optional. Source and id together identify the event, so that an event sent twice is recognized; "
    "without them, its partition and offset do.",
    "type": "object",
    "properties": {
        "ce_id": {"type": "string", "description": "unique among the events of the source"},
        "ce_source": {"type": "string", "description": "the scraper"},
        "content-type": {
            "type": "string",
            "description": "application/cloudevents+json if the value is a CloudEvent with the article in data",
        },
        TRACEPARENT: {
            "type": "string",
            "description": "W3C Trace Context: passed on to everything made from the message, unless it is invalid",
        },
        TRACESTATE: {"type": "string", "description": "the same"},
        ATTEMPTS_HEADER: {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "how often the message was requeued after a rejection; its dead letters keep this header",
        },
        DEAD_LETTER_HEADER: {
            "type": "string",
            "description": "topic/partition/offset of the dead letter that was requeued",
        },
    },
}
