"""The packaged contracts are current, valid, and what the flow really publishes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from scripts import generate_contracts

from stream.core import validation
from stream.core.contracts.events import DUPLICATE_RELATIONS
from stream.core.contracts.records import InputRecord, LogId
from stream.core.contracts.topics import Topics
from stream.core.pipeline.normalize import Normalizer
from stream.errors import REJECTION_CODES, Rejected
from tests.support.contracts import NOW, Json, is_valid, published_outputs, unresolved_references, validator


def of_topic(topic: str, kind: str) -> list[Json]:
    """The events of one type, ``ce_type`` without its beginning, that the flow publishes to ``topic``."""
    outputs = [output for output in published_outputs() if output.topic == topic and output.value is not None]
    of_kind = [output for output in outputs if dict(output.headers)["ce_type"] == f"org.article-stream.{kind}".encode()]
    return [json.loads(output.value or b"") for output in of_kind]


#: The takedown of the article in the examples, as its scraper sends it.
TAKEDOWN = {
    "url": "https://news.example/culture/library",
    "status": "canceled",
    "fetched_at": "2026-05-04T08:00:00Z",
}


# The files


def test_packaged_files_are_up_to_date() -> None:
    assert generate_contracts.find_stale(generate_contracts.FOLDER) == [], "run: python -m scripts.generate_contracts"
    assert generate_contracts.main(["--check"]) == 0


def test_generation_is_deterministic() -> None:
    assert generate_contracts.documents() == generate_contracts.documents()
    for text in generate_contracts.documents().values():
        assert text.endswith("}\n")
        assert not text.endswith("\n\n")


def test_stale_missing_and_unknown_files_are_listed_and_fixed(tmp_path: Path) -> None:
    generate_contracts.write(tmp_path)
    assert generate_contracts.find_stale(tmp_path) == []
    (tmp_path / "raw.json").write_text("{}")
    (tmp_path / "cluster.json").unlink()
    (tmp_path / "story.json").write_text("{}")
    assert generate_contracts.find_stale(tmp_path) == ["cluster.json", "raw.json", "story.json"]
    generate_contracts.write(tmp_path)
    assert generate_contracts.find_stale(tmp_path) == []


def test_check_lists_stale_files(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(generate_contracts, "find_stale", lambda _folder: ["raw.json"])
    assert generate_contracts.main(["--check"]) == 1
    assert capsys.readouterr().out == "stale: raw.json\n"


def test_the_metrics_page_is_up_to_date(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"
    assert not generate_contracts.is_page_stale(page), "run: python -m scripts.generate_contracts"
    second_page = tmp_path / "docs" / "metrics.md"
    assert not generate_contracts.is_page_stale(second_page)  # an installed package has no folder for it
    second_page.parent.mkdir()
    assert generate_contracts.is_page_stale(second_page)
    second_page.write_text(page.read_text("utf-8") + " ", "utf-8")
    assert generate_contracts.is_page_stale(second_page)


def test_the_error_for_an_unknown_contract_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no contract 'story'; known: raw, normalized"):
        generate_contracts.load("story")


# The schemas


@pytest.mark.parametrize("name", generate_contracts.SCHEMAS)
def test_schema_is_valid_and_has_an_id_a_title_and_a_description(name: str) -> None:
    schema = generate_contracts.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:article-stream:schema:{name}:v1"
    assert schema["title"]
    assert schema["description"]
    assert unresolved_references(schema) == []


@pytest.mark.parametrize(("name", "kind"), generate_contracts.SCHEMAS.items())
def test_schema_has_every_field_of_its_type(name: str, kind: Any) -> None:
    assert list(generate_contracts.load(name)["properties"]) == list(kind.__struct_encode_fields__)


@pytest.mark.parametrize("name", generate_contracts.SCHEMAS)
def test_example_of_schema_is_valid(name: str) -> None:
    schema = generate_contracts.load(name)
    assert len(schema["examples"]) == 1
    validator(schema).validate(schema["examples"][0])


def test_examples_are_the_outputs_of_the_raw_example() -> None:
    examples = generate_contracts.examples()
    record = InputRecord(Topics().raw, 3, 1041, 1_777_874_401_250, None, json.dumps(examples["raw"]).encode())
    log = LogId("q8vTzcWnSDm2aSZC9Xv1Yg", 4)
    [outcome] = Normalizer(Topics())(record, now=NOW, log=log)
    normalized = json.loads(outcome.outputs[0].value or b"")
    assert normalized | {"event_id": examples["normalized"]["event_id"]} == examples["normalized"]
    takedown = InputRecord(Topics().raw, 3, 1107, 1_777_881_600_400, None, json.dumps(TAKEDOWN).encode())
    [outcome] = Normalizer(Topics())(takedown, now=NOW, log=log)
    canceled = json.loads(outcome.outputs[0].value or b"")
    assert canceled | {"event_id": examples["takedown"]["event_id"]} == examples["takedown"]
    assert {name: examples["removal"][name] for name in ("tenant", "id", "url_key")} == {
        name: canceled[name] for name in ("tenant", "id", "url_key")
    }
    for name in ("enriched", "duplicate"):
        shared = normalized.keys() & examples[name].keys()
        assert {field: examples[name][field] for field in shared} == {
            field: examples["normalized"][field] for field in shared
        }


# What the flow publishes


@pytest.mark.parametrize(
    ("topic", "kind", "name"),
    [
        (Topics().normalized, "article.normalized.v1", "normalized"),
        (Topics().normalized, "article.takedown.v1", "takedown"),
        (Topics().enriched, "article.enriched.v1", "enriched"),
        (Topics().duplicates, "article.duplicate.v1", "enriched"),
        (Topics().clusters, "cluster.v1", "cluster"),
        (Topics().fingerprints, "article.fingerprint.v1", "fingerprint"),
        (Topics().fingerprints, "article.removal.v1", "removal"),
    ],
)
def test_published_events_are_valid(topic: str, kind: str, name: str) -> None:
    events = of_topic(topic, kind)
    assert events
    schema = generate_contracts.load(name)
    for event in events:
        validator(schema).validate(event)
        assert list(event) == list(schema["properties"]), "every field is present"


def test_published_events_have_many_relations() -> None:
    relations = {event["duplicate"]["relation"] for event in of_topic(Topics().enriched, "article.enriched.v1")}
    copies = {event["duplicate"]["relation"] for event in of_topic(Topics().duplicates, "article.duplicate.v1")}
    assert relations == {"new", "revision", "expansion"}
    assert copies == DUPLICATE_RELATIONS


@pytest.mark.parametrize("topic", [Topics().enriched, Topics().duplicates])
def test_withdrawn_articles_have_tombstones_in_the_topics_of_their_versions(topic: str) -> None:
    keys = {output.key for output in published_outputs() if output.topic == topic and output.value is None}
    ids = {event["id"] for event in of_topic(Topics().normalized, "article.normalized.v1")}
    assert len(keys) == 3
    assert {key.decode().removeprefix("default/") for key in keys if key} < ids


def test_one_cluster_shrinks_one_is_emptied_and_one_leaves_the_window() -> None:
    outputs = [output for output in published_outputs() if output.topic == Topics().clusters]
    kinds = [
        dict(output.headers)["ce_type"].removeprefix(b"org.article-stream.")
        for output in outputs
        if output.value is None
    ]
    assert kinds == [b"cluster.withdrawn.v1", b"cluster.expired.v1"]
    emptied = next(output.key for output in outputs if output.value is None)
    assert [json.loads(out.value)["size"] for out in outputs if out.value and out.key == emptied] == [2, 1]


def test_headers_of_dead_letters_are_valid() -> None:
    dead_letters = [output for output in published_outputs() if output.topic == Topics().rejected]
    codes = set()
    for dead_letter in dead_letters:
        headers = {name: value.decode() for name, value in dead_letter.headers}
        validator(generate_contracts.load("rejected-headers")).validate(headers)
        codes.add(headers["__errors.code"])
    assert codes == {"missing_identity", "invalid_utf8", "null_value"}


def test_the_schema_lists_the_rejection_codes_with_their_meanings() -> None:
    code = generate_contracts.load("rejected-headers")["properties"]["__errors.code"]
    assert code["enum"] == sorted(REJECTION_CODES)
    for name, meaning in REJECTION_CODES.items():
        assert f"- `{name}`: {meaning}" in code["description"]


def replace_value(event: Json, path: str, value: Any) -> Json:
    """Return ``event`` with another value at ``path``; `...` removes what is there."""
    event = copy.deepcopy(event)
    *parents, last = path.split("/")
    parent = event
    for name in parents:
        parent = parent[name]
    if value is ...:
        del parent[last]
    else:
        parent[last] = value
    return event


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("normalized", "event_id", "A-1"),
        ("normalized", "text", None),
        ("normalized", "event_time", "2026-05-04"),
        ("normalized", "published_at", "2026-05-04T05:30:00Z"),
        ("normalized", "published_at", "2026-02-31T05:30:00.000Z"),
        ("normalized", "language/direction", "up"),
        ("normalized", "language/confidence", 1.1),
        ("normalized", "content/hash", "sha256:12"),
        ("normalized", "origin/offset", -1),
        ("enriched", "duplicate", ...),
        ("enriched", "revision", 0),
        ("enriched", "duplicate/relation", "twin"),
        ("enriched", "duplicate/relation", "revision"),
        ("enriched", "duplicate/is_duplicate", True),
        ("enriched", "duplicate/duplicate_of", "another"),
        ("enriched", "duplicate/jaccard", -0.1),
        ("enriched", "duplicate/change", {"tokens": 0.1, "numbers": False}),
        ("enriched", "fixes", [{"step": "spaces"}]),
        ("duplicate", "duplicate/change/tokens", 1.1),
        ("duplicate", "duplicate/change/numbers", 2),
        ("duplicate", "duplicate/change/numbers", ...),
        ("duplicate", "duplicate/duplicate_of", None),
        ("cluster", "size", 0),
        ("cluster", "sources", "one.example"),
        ("cluster", "last_seen", "yesterday"),
        ("fingerprint", "sequence", "not base64"),
        ("fingerprint", "shown_hash", "sha256:12"),
        ("fingerprint", "format", ...),
        ("fingerprint", "links", -1),
        ("takedown", "event_id", "A-1"),
        ("takedown", "id", ...),
        ("takedown", "tenant", None),
        ("takedown", "event_time", "2026-05-04"),
        ("removal", "previous", -2),
        ("removal", "offset", None),
        ("removal", "url_key", 7),
        ("fingerprint", "previous", -2),
        ("fingerprint", "duplicate/cluster_id", ""),
        ("rejected-headers", "__errors.code", "dislike"),
        ("rejected-headers", "__errors.offset", 7),
        ("rejected-headers", "__errors.stage", "publish"),
        ("rejected-headers", "__errors.message", ...),
    ],
)
def test_bad_variants_are_invalid(name: str, path: str, value: Any) -> None:
    event = generate_contracts.examples()[name]
    schema = "enriched" if name == "duplicate" else name
    assert is_valid(schema, event)
    assert not is_valid(schema, replace_value(event, path, value))


# The raw event: the schema says what validation does


ACCEPTED: list[Json] = [
    {"url": "https://one.example/", "text": "a"},
    {"url": " HTTPS://one.example", "id": None, "html": "<p>a", "text": " "},
    {"id": "a", "text": "a", "url": None, "status": "usable", "tenant": "Team_1.a-b"},
    {"id": "a" * 512, "text": "a", "unheard_of": {"deep": [1]}, "extra": {"a": 1}},
    {"id": "ا", "text": "a", "source": "One", "published_at": 1.5, "fetched_at": 1, "modified_at": "Mon, 4 May 2026"},
    {"id": "a", "text": "a", "source": {"name": "One", "motto": "a"}, "authors": [], "tags": None, "status": None},
    {"id": "a", "status": "canceled"},
    {"url": "https://one.example/", "text": None, "html": " ", "status": "canceled"},
    {"id": "a", "text": "a", "status": "canceled", "title": "a"},
]
REFUSED: list[Any] = [
    {},
    [],
    "text",
    {"text": "a"},
    {"url": "", "id": None, "text": "a"},
    {"id": "a"},
    {"id": "a", "text": " ", "html": ""},
    {"id": " ", "text": "a"},
    {"id": "", "url": "https://one.example/", "text": "a"},
    {"id": "a\tb", "text": "a"},
    {"id": "a\u2028b", "text": "a"},
    {"id": "a" * 513, "text": "a"},
    {"url": "one.example/a", "text": "a"},
    {"url": "ftp://one.example/a", "text": "a"},
    {"url": "https://one.example/a\tb", "text": "a"},
    {"url": "https:///a", "id": "a", "text": "a"},
    {"url": "https://one.example/" + "a" * 4096, "text": "a"},
    {"id": 7, "text": "a"},
    {"id": "a", "text": ["a"]},
    {"id": "a", "text": "a", "tenant": "-a"},
    {"id": "a", "text": "a", "tenant": "a/b"},
    {"id": "a", "text": "a", "tenant": ""},
    {"id": "a", "text": "a", "status": "withheld"},
    {"id": "a", "status": "usable"},
    {"text": "a", "status": "canceled"},
    {"id": "a", "text": ["a"], "status": "canceled"},
    {"id": "a", "text": "a", "tags": "one"},
    {"id": "a", "text": "a", "tags": [None]},
    {"id": "a", "text": "a", "tags": ["a"] * 1001},
    {"id": "a", "text": "a", "authors": ["a" * 10_001]},
    {"id": "a", "text": "a", "title": "a" * 10_001},
    {"id": "a", "text": "a", "published_at": True},
    {"id": "a", "text": "a", "published_at": "1" * 10_001},
    {"id": "a", "text": "a", "source": 7},
    {"id": "a", "text": "a", "source": "a" * 10_001},
    {"id": "a", "text": "a", "source": {"name": "a" * 10_001}},
    {"id": "a", "text": "a", "source": {"domain": 1}},
    {"id": "a", "text": "a", "extra": "a"},
]


@pytest.mark.parametrize("event", ACCEPTED)
def test_schema_and_validation_accept(event: Json) -> None:
    validation.validate(event)
    assert is_valid("raw", event)


@pytest.mark.parametrize("event", REFUSED)
def test_schema_and_validation_refuse(event: Any) -> None:
    with pytest.raises(Rejected):
        validation.validate(event)
    assert not is_valid("raw", event)


@pytest.mark.parametrize(("field", "limit"), [("text", 1_000_000), ("html", 4_000_000)])
def test_limits_of_long_fields_are_in_the_schema(field: str, limit: int) -> None:
    assert generate_contracts.load("raw")["properties"][field]["maxLength"] == limit
    validation.validate({"id": "a", field: "a" * limit})
    with pytest.raises(Rejected):
        validation.validate({"id": "a", field: "a" * (limit + 1)})


def test_takedown_is_in_the_contract() -> None:
    assert generate_contracts.load("raw")["properties"]["status"]["enum"] == [*validation.STATUSES, None]
    assert "takedown_unsupported" not in REJECTION_CODES
