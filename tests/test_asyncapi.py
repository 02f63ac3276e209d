"""The AsyncAPI document names every topic, and what is published is as it says."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from contract_kit import Json, published, references, resolve, unresolved, validator
from stream import contracts
from stream.topics import Topics, topic_specs


@pytest.fixture(scope="module")
def document() -> Json:
    return contracts.load(contracts.ASYNCAPI)


def component(document: Json, part: Json) -> Draft202012Validator:
    """Return a validator of a schema that refers to the components of ``document``."""
    return validator({"components": document["components"], "allOf": [part]})


def test_document_is_complete_in_itself(document: Json) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert "servers" not in document
    assert len(list(references(document))) > 50
    assert unresolved(document) == []


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


def message_of(document: Json, topic: str) -> Json:
    [channel] = [channel for channel in document["channels"].values() if channel["address"] == topic]
    [reference] = channel["messages"].values()
    message: Json = resolve(document, reference["$ref"])
    return message


def test_published_records_are_as_the_document_says(document: Json) -> None:
    for output in published():
        message = message_of(document, output.topic)
        headers = {name: value.decode() for name, value in output.headers}
        key = output.key.decode() if output.key is not None else None
        component(document, message["headers"]).validate(headers)
        component(document, message["bindings"]["kafka"]["key"]).validate(key)
        if output.topic != Topics().rejected:
            component(document, message["payload"]).validate(json.loads(output.value or b""))


def test_raw_messages_are_as_the_document_says(document: Json) -> None:
    payload = component(document, message_of(document, Topics().raw)["payload"])
    event = contracts.examples()["raw"]
    assert payload.is_valid(event)
    assert payload.is_valid([event, event])
    assert not payload.is_valid([])
    assert not payload.is_valid([event, {}])


def test_examples_of_messages_are_valid(document: Json) -> None:
    for message in document["components"]["messages"].values():
        [example] = message["examples"]
        for part in example.keys() & {"headers", "payload"}:
            component(document, message[part]).validate(example[part])


def test_message_of_another_type_is_invalid(document: Json) -> None:
    message = message_of(document, Topics().enriched)
    headers = message["examples"][0]["headers"]
    schema = component(document, message["headers"])
    assert schema.is_valid(headers)
    for bad in ({"ce_type": "org.article-stream.cluster.v1"}, {"ce_time": "today"}, {"ce_specversion": "0.3"}):
        assert not schema.is_valid(headers | bad)
    assert not schema.is_valid({name: value for name, value in headers.items() if name != "ce_id"})
