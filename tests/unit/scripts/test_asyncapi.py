"""The AsyncAPI document names every topic, and what is published is as it says."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from scripts import generate_contracts

from stream.core.contracts.records import OutputRecord
from stream.core.contracts.topics import Topics, topic_specs
from tests.support.contracts import Json, published_outputs, references, resolve, unresolved_references, validator


@pytest.fixture(scope="module")
def document() -> Json:
    return generate_contracts.load(generate_contracts.ASYNCAPI)


def component(document: Json, part: Json) -> Draft202012Validator:
    """Return a validator of a schema that refers to the components of ``document``."""
    return validator({"components": document["components"], "allOf": [part]})


def test_document_is_complete_in_itself(document: Json) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert "servers" not in document
    assert len(list(references(document))) > 50
    assert unresolved_references(document) == []


def test_every_topic_is_a_channel(document: Json) -> None:
    topics = Topics()
    specs = topic_specs(topics, raw_partitions=1, scope_partitions=1, output_partitions=1, retention_ms=1, window_ms=1)
    channels = {channel["address"]: channel for channel in document["channels"].values()}
    assert set(channels) == {spec.name for spec in specs} == {getattr(topics, name) for name in Topics.__slots__}
    assert len(channels) == 7
    for spec in specs:
        config = channels[spec.name]["bindings"]["kafka"]["topicConfiguration"]
        assert config["cleanup.policy"] == [spec.config["cleanup.policy"]]
        assert config["max.message.bytes"] == int(spec.config["max.message.bytes"])


def test_operations_name_messages_of_their_channels(document: Json) -> None:
    actions: dict[str, set[str]] = {}
    for operation in document["operations"].values():
        name = operation["channel"]["$ref"].removeprefix("#/channels/")
        actions.setdefault(name, set()).add(operation["action"])
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"#/channels/{name}/messages/")
    assert actions == {
        "raw": {"receive"},
        "normalized": {"send", "receive"},
        "enriched": {"send"},
        "duplicates": {"send"},
        "clusters": {"send"},
        "fingerprints": {"send", "receive"},
        "rejected": {"send"},
    }


#: What `stream recover` publishes, and not the flow.
_RECOVERY = "An operator has decided how to go on after a log went back."


def messages_of(document: Json, topic: str) -> list[Json]:
    [channel] = [channel for channel in document["channels"].values() if channel["address"] == topic]
    return [resolve(document, reference["$ref"]) for reference in channel["messages"].values()]


def accepts(document: Json, message: Json, output: OutputRecord) -> bool:
    """``output`` has the key, the headers and the payload of ``message``."""
    parts = {
        "headers": {name: value.decode() for name, value in output.headers},
        "payload": json.loads(output.value) if output.value and output.topic != Topics().rejected else None,
    }
    key = output.key.decode() if output.key is not None else None
    return component(document, message["bindings"]["kafka"]["key"]).is_valid(key) and all(
        component(document, message[name]).is_valid(part) for name, part in parts.items()
    )


def test_every_published_record_is_one_message_of_its_topic(document: Json) -> None:
    event_types: dict[str, set[str]] = {}
    for output in published_outputs():
        summaries = [m["summary"] for m in messages_of(document, output.topic) if accepts(document, m, output)]
        assert len(summaries) == 1, output
        event_types.setdefault(output.topic, set()).update(summaries)
    event_types[Topics().fingerprints].add(_RECOVERY)
    # Every kind of message that the document names is one that the flow really publishes.
    for topic in set(event_types) | {getattr(Topics(), name) for name in Topics.__slots__ if name != "raw"}:
        assert event_types[topic] == {message["summary"] for message in messages_of(document, topic)}


@pytest.mark.parametrize(
    ("topic", "names"),
    [
        ("normalized", ["NormalizedArticle", "Takedown"]),
        ("enriched", ["EnrichedArticle", "WithdrawnArticle"]),
        ("duplicates", ["DuplicateArticle", "WithdrawnArticle"]),
        ("clusters", ["Cluster", "EmptiedCluster", "ExpiredCluster"]),
        ("fingerprints", ["Fingerprint", "Removal", "Recovery"]),
    ],
)
def test_channel_and_operations_list_every_message_of_a_topic(document: Json, topic: str, names: list[str]) -> None:
    channel = f"#/channels/{topic}"
    assert list(document["channels"][topic]["messages"]) == names
    for operation in document["operations"].values():
        if operation["channel"]["$ref"] == channel:
            assert operation["messages"] == [{"$ref": f"{channel}/messages/{name}"} for name in names]


@pytest.mark.parametrize("name", ["WithdrawnArticle", "EmptiedCluster", "ExpiredCluster"])
def test_a_tombstone_has_no_value(document: Json, name: str) -> None:
    message = document["components"]["messages"][name]
    assert message["payload"] == {"type": "null"}
    assert message["examples"][0]["payload"] is None


def test_raw_messages_are_as_the_document_says(document: Json) -> None:
    [message] = messages_of(document, Topics().raw)
    payload = component(document, message["payload"])
    event = generate_contracts.examples()["raw"]
    assert payload.is_valid(event)
    assert payload.is_valid([event, event])
    assert not payload.is_valid([])
    assert not payload.is_valid([event, {}])
    assert payload.is_valid({"id": "a", "status": "canceled"})


def test_examples_of_messages_are_valid(document: Json) -> None:
    for message in document["components"]["messages"].values():
        [example] = message["examples"]
        for part in example.keys() & {"headers", "payload"}:
            component(document, message[part]).validate(example[part])


def test_message_of_another_type_is_invalid(document: Json) -> None:
    message, _ = messages_of(document, Topics().enriched)
    headers = message["examples"][0]["headers"]
    schema = component(document, message["headers"])
    assert schema.is_valid(headers)
    for bad in ({"ce_type": "org.article-stream.cluster.v1"}, {"ce_time": "today"}, {"ce_specversion": "0.3"}):
        assert not schema.is_valid(headers | bad)
    assert not schema.is_valid({name: value for name, value in headers.items() if name != "ce_id"})
