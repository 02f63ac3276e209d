"""JSON Schemas of all events and the AsyncAPI document, generated from the types in `stream.core.contracts.events`.

``python -m scripts.generate_contracts`` writes them into the package, and docs/reference/metrics.md from
`stream.observability.metric_definitions`. With ``--check``, it writes nothing: it lists the stale files, and exits
with 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from scripts.asyncapi import asyncapi
from stream.core.contracts import events
from stream.core.contracts.events import (
    DUPLICATE_RELATIONS,
    ClusterEvent,
    DeadLetterHeaders,
    EnrichedEvent,
    FingerprintEvent,
    NormalizedEvent,
    RawEvent,
    RecoveryEvent,
    RemovalEvent,
    Status,
    TakedownEvent,
)
from stream.core.validation import DEFAULT_LIMITS
from stream.errors import REJECTION_CODES
from stream.observability import metric_definitions

#: The folder of the documents.
FOLDER: Final = Path(events.__file__).with_name("schemas")
Json = dict[str, Any]

SCHEMAS: Final[dict[str, type[msgspec.Struct]]] = {
    "raw": RawEvent,
    "normalized": NormalizedEvent,
    "takedown": TakedownEvent,
    "enriched": EnrichedEvent,
    "cluster": ClusterEvent,
    "fingerprint": FingerprintEvent,
    "removal": RemovalEvent,
    "recovery": RecoveryEvent,
    "rejected-headers": DeadLetterHeaders,
}
ASYNCAPI: Final = "asyncapi"
#: The version of the contracts. An incompatible change increases the first number.
VERSION: Final = "1.0.0"
_MAJOR: Final = f"v{VERSION.partition('.')[0]}"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: This file is written by hand; every other file in the folder is generated.
_EXAMPLES: Final = "examples.json"
_ENUM_LINE: Final = "\n- `{}`: {}"


def load(name: str) -> Json:
    """Load a packaged document by its name: one of `SCHEMAS`, or `ASYNCAPI`.

    Raises:
        ValueError: There is no document with this name.
    """
    if name not in {*SCHEMAS, ASYNCAPI}:
        raise ValueError(f"no contract {name!r}; known: {', '.join([*SCHEMAS, ASYNCAPI])}")
    return _read(f"{name}.json")


def examples() -> dict[str, Json]:
    """Load a valid fictional event for each of `SCHEMAS`, and ``duplicate`` for the duplicates topic."""
    return _read(_EXAMPLES)


def documents() -> dict[str, str]:
    """Generate the text of every document: file name -> text."""
    shared = _components(list(SCHEMAS.values()), "#/components/schemas/{name}")
    by_name = {name: schema(name) for name in SCHEMAS} | {ASYNCAPI: asyncapi(VERSION, shared, examples())}
    return {f"{name}.json": json.dumps(by_name[name], ensure_ascii=False, indent=2) + "\n" for name in sorted(by_name)}


def schema(name: str) -> Json:
    """Generate the self-contained JSON Schema (draft 2020-12) of one event."""
    kind = SCHEMAS[name]
    parts = _components([kind], "#/$defs/{name}")
    document = {
        "$schema": _DIALECT,
        "$id": f"urn:article-stream:schema:{name}:{_MAJOR}",
        **parts.pop(kind.__name__),
        "examples": [examples()[name]],
    }
    return {**document, "$defs": parts} if parts else document


def _read(name: str) -> Json:
    document: Json = json.loads((FOLDER / name).read_text("utf-8"))
    return document


# Schemas


def _components(kinds: Sequence[type[msgspec.Struct]], ref_template: str) -> dict[str, Json]:
    _, parts = msgspec.json.schema_components(kinds, ref_template=ref_template)
    return {name: _merge(_tidy(parts[name]), _ADDED.get(name, {})) for name in sorted(parts)}


def _tidy(node: Any) -> Any:
    """Simplify a schema: types that may be null become a list of types, defaults go, descriptions become Markdown."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node.replace("``", "`") if isinstance(node, str) else node
    tidied = {name: _tidy(value) for name, value in node.items() if name != "default" and value != []}
    return _join_types(tidied) if "anyOf" in tidied else tidied


def _join_types(node: Json) -> Json:
    """Replace ``anyOf`` of types by a list of types, if at most one of them has constraints."""
    variants: list[Json] = node["anyOf"]
    constrained = [variant for variant in variants if set(variant) - {"type"}]
    if len(constrained) > 1 or any("type" not in variant or "enum" in variant for variant in variants):
        return node
    types = [kind for variant in variants for kind in _as_list(variant["type"])]
    if "number" in types and "integer" in types:
        types.remove("integer")
    outer = {name: value for name, value in node.items() if name != "anyOf"}
    return {**(constrained[0] if constrained else {}), **outer, "type": types}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _merge(base: Json, added: Json) -> Json:
    merged = dict(base)
    for name, value in added.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _require_text(name: str) -> Json:
    return {"required": [name], "properties": {name: {"type": "string", "pattern": r"\S"}}}


def _limit_texts(limit: int, *names: str) -> dict[str, Json]:
    return {name: {"maxLength": limit} for name in names}


def _limit_lists(*names: str) -> dict[str, Json]:
    return {
        name: {"maxItems": DEFAULT_LIMITS.list_items, "items": {"maxLength": DEFAULT_LIMITS.short_chars}}
        for name in names
    }


#: A takedown needs no content.
_TAKEDOWN: Final[Json] = {"required": ["status"], "properties": {"status": {"const": "canceled"}}}
_MOMENTS: Final = ("published_at", "modified_at", "fetched_at")
_CONTROL: Final = r"[\u0000-\u001f\u007f-\u009f\u2028\u2029]"
#: What the types cannot express: how fields depend on each other, and what `stream.core.validation` accepts.
_ADDED: Final[dict[str, Json]] = {
    "RawEvent": {
        "properties": {
            **_limit_texts(DEFAULT_LIMITS.text_chars, "text"),
            **_limit_texts(DEFAULT_LIMITS.html_chars, "html"),
            **_limit_texts(DEFAULT_LIMITS.short_chars, "title", "summary", "section", "language", *_MOMENTS),
            "source": {
                "maxLength": DEFAULT_LIMITS.short_chars,
                "properties": _limit_texts(DEFAULT_LIMITS.short_chars, "name", "domain"),
            },
            **_limit_lists("authors", "tags"),
            "url": {
                "maxLength": DEFAULT_LIMITS.url_chars,
                "pattern": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#]",
                "not": {"type": "string", "pattern": _CONTROL},
            },
            "id": {
                "maxLength": DEFAULT_LIMITS.id_chars,
                "pattern": r"\S",
                "not": {"type": "string", "pattern": _CONTROL},
            },
            "tenant": {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
            "status": {"enum": [*get_args(Status), None]},
        },
        "additionalProperties": True,
        "allOf": [
            {"anyOf": [_require_text("url"), _require_text("id")]},
            {"anyOf": [_require_text("text"), _require_text("html"), _TAKEDOWN]},
        ],
    },
    "Duplicate": {
        "allOf": [
            {
                "if": {"properties": {"relation": {"enum": sorted(DUPLICATE_RELATIONS)}}},
                "then": {"properties": {"is_duplicate": {"const": True}}},
                "else": {"properties": {"is_duplicate": {"const": False}}},
            },
            {
                "if": {"properties": {"relation": {"const": "new"}}},
                "then": {"properties": {"duplicate_of": {"type": "null"}, "change": {"type": "null"}}},
                "else": {"properties": {"duplicate_of": {"type": "string"}}, "required": ["duplicate_of"]},
            },
        ]
    },
    "DeadLetterHeaders": {
        "properties": {
            "__errors.code": {
                "description": "why the record was rejected"
                + "".join(_ENUM_LINE.format(code, REJECTION_CODES[code]) for code in sorted(REJECTION_CODES)),
                "enum": sorted(REJECTION_CODES),
            }
        }
    },
}


# The packaged files


def find_stale(folder: Path) -> list[str]:
    """List the files in ``folder`` that are missing, differ from what is generated, or should not be there."""
    contents = documents()
    existing = {path.name: path.read_text("utf-8") for path in folder.glob("*.json") if path.name != _EXAMPLES}
    return sorted(name for name in {*contents, *existing} if contents.get(name) != existing.get(name))


def write(folder: Path) -> None:
    """Write every document into ``folder``, and delete files that are no longer generated."""
    contents = documents()
    for name in find_stale(folder):
        if name in contents:
            (folder / name).write_text(contents[name], "utf-8")
        else:
            (folder / name).unlink()


def is_page_stale(page: Path) -> bool:
    """Whether the metrics page must be written. False outside a checkout, where its folder does not exist."""
    existing = page.read_text("utf-8") if page.exists() else None
    return page.parent.is_dir() and existing != metric_definitions.document()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the documents into the package, or check them; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.generate_contracts", description="Generate the contract documents."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; list stale documents and exit with 1 if there are any"
    )
    check: bool = parser.parse_args(arguments).check
    folder = FOLDER
    page = Path(__file__).parents[1] / "docs" / "reference" / "metrics.md"
    names = find_stale(folder)
    if not check:
        write(folder)
    if is_page_stale(page):
        names.append(f"docs/{page.name}")
        if not check:
            page.write_text(metric_definitions.document(), "utf-8")
    for name in names:
        sys.stdout.write(f"{'stale' if check else 'written'}: {name}\n")
    return int(check and bool(names))


if __name__ == "__main__":
    sys.exit(main())
