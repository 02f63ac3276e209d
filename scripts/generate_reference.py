"""Generate the reference pages that follow from the code: settings, rejection codes and the fields of the events.

``python -m scripts.generate_reference`` writes them into docs/reference; with ``--check`` it only names the stale ones,
and exits with 1 if there are any. The descriptions are those of the code: `stream.settings`, `stream.errors` and
`stream.core.contracts.events`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from scripts.generate_contracts import SCHEMAS, schema
from stream.errors import REJECTION_CODES
from stream.settings import CONFIG_VARIABLE, ENV_PREFIX, Settings

FOLDER: Final = Path(__file__).parents[1] / "docs" / "reference"
Json = Mapping[str, Any]

_GENERATED: Final = "`python -m scripts.generate_reference` writes this page from `{source}`."

#: The sections of the page of fields: what people read and write first, then what the flow keeps for itself.
_EVENTS: Final = {
    "raw": "The value of a message in `articles.raw`, or one item of its array.",
    "enriched": "The value of a record in `articles.enriched` and `articles.duplicates`.",
    "cluster": "The value of a record in `articles.clusters`.",
    "rejected-headers": "Headers that are added to a record in `articles.rejected`; everything else stays as it came.",
    "normalized": "The value of an article in `articles.normalized`: the fields of `enriched` without `revision` and"
    " `duplicate`, and these.",
    "takedown": "The value of a takedown in `articles.normalized`.",
    "fingerprint": "The value of an article's record in `articles.fingerprints`, the changelog of the index.",
    "removal": "The value of a takedown's record in `articles.fingerprints`.",
    "recovery": "The value of the record that `stream recover` writes to `articles.fingerprints`.",
}


def documents() -> dict[str, str]:
    """The text of every page by its file name."""
    return {"fields.md": _fields_page(), "rejection-codes.md": _codes_page(), "settings.md": _settings_page()}


def _settings_page() -> str:
    properties: Mapping[str, Json] = Settings.model_json_schema()["properties"]
    rows = (
        (
            f"`{ENV_PREFIX}{name.upper()}`",
            _setting_type(field),
            _default(field),
            _cell(Settings.model_fields[name].description or ""),
        )
        for name, field in properties.items()
    )
    return _page(
        "Settings",
        "src/stream/settings.py",
        f"""
Each setting is an environment variable, or the lower-case key without `{ENV_PREFIX}` in the TOML file that
`{CONFIG_VARIABLE}` names. Options of a command come before variables, and variables before the file. `stream worker`
reports all mistakes at once and ends with [exit code](exit-codes.md) 78. An unknown variable or key is a mistake, too:
every command stops and names the nearest setting. Only the variables that Kubernetes adds for each Service of a
namespace are left out (`…_SERVICE_HOST`, and `…_PORT` with a URL). A Service with the variable of a
setting, such as `stream-web`, needs `enableServiceLinks: false` in the pod.

```toml
broker = "kafka-1:9092,kafka-2:9092"
window_days = 14
log_format = "json"
```
""",
        _table(("setting", "values", "default", "meaning"), rows),
    )


def _setting_type(field: Json) -> str:
    (kind,) = (variant for variant in field.get("anyOf", [field]) if variant.get("type") != "null")
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind.get("writeOnly"):
        return "secret"
    name = _TYPE_NAMES[kind["type"]]
    name = "path" if kind.get("format") == "path" else name
    least = next((f"{word} {kind[key]:,}" for key, word in _LEAST.items() if key in kind), "")
    most = f"at most {kind['maximum']:,}" if "maximum" in kind else ""
    return ", ".join(part for part in (name, least, most) if part)


_TYPE_NAMES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true`, `false`",
    "object": "table",
}
_LEAST: Final = {"minimum": "at least", "exclusiveMinimum": "more than"}


def _default(field: Json) -> str:
    default = field.get("default")
    if default in (None, "", {}):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _codes_page() -> str:
    return _page(
        "Rejection codes",
        "src/stream/errors.py",
        """
An event that cannot be used goes to `articles.rejected` as a dead letter: key, value and headers as they came, and the
reason in [headers](fields.md#rejected-headers). `__errors.code` is one of these codes. They are part of the contract: a
code never changes its meaning. `__errors.message` is for people, and its wording may change.

The limits are [settings](settings.md) and `Limits` in `src/stream/core/validation.py`. How to list, show and requeue
dead letters: [operating](../operations/operating.md#dead-letters).
""",
        _table(("code", "meaning"), ((f"`{code}`", _cell(text)) for code, text in sorted(REJECTION_CODES.items()))),
    )


def _fields_page() -> str:
    schemas = {name: schema(name) for name in SCHEMAS}
    shared: dict[str, Json] = {}
    for document in schemas.values():
        shared |= document.get("$defs", {})
    is_known = schemas["enriched"]["properties"].keys()
    normalized = {name: kind for name, kind in schemas["normalized"]["properties"].items() if name not in is_known}
    schemas["normalized"] = {**schemas["normalized"], "properties": normalized}
    return _page(
        "Fields of the events",
        "src/stream/core/contracts/events.py",
        """
Values are JSON in UTF-8. The same definitions are in the package as JSON Schemas and as an AsyncAPI 3 document:
`src/stream/core/contracts/schemas/`. Keys and headers of the records: [topics and headers](topics.md).

A field that is not *required* may be missing or null. Objects that several events share are at the end.
""",
        "\n\n".join(
            [
                *(_section(name, f"{_EVENTS[name]}\n\n", schemas[name]) for name in sorted(schemas, key=_ORDER.index)),
                "# Shared objects",
                *(_section(name, "", shared[name]) for name in sorted(shared)),
            ]
        ),
    )


_ORDER: Final = list(_EVENTS)


def _section(name: str, topic: str, document: Json) -> str:
    required = frozenset(document.get("required", ()))
    rows = (
        (f"`{field}`", _field_type(kind), "required" if field in required else "", _cell(_description(kind)))
        for field, kind in document["properties"].items()
    )
    table = _table(("field", "type", "", "meaning"), rows)
    return f"## {name}\n\n{topic}{_cell(_description(document))}\n\n{table}"


def _description(node: Json) -> str:
    first: str = node.get("description", "").split("\n- `")[0]
    return first.replace("``", "`")


def _field_type(node: Json) -> str:
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in node:
        if set(node["enum"]) == REJECTION_CODES.keys():
            return "one of the [codes](rejection-codes.md)"
        return ", ".join(f"`{value}`" for value in node["enum"] if value is not None)
    if "anyOf" in node:
        return " or ".join(_field_type(variant) for variant in node["anyOf"] if variant.get("type") != "null")
    kinds = [kind for kind in ([node["type"]] if isinstance(node["type"], str) else node["type"]) if kind != "null"]
    parts = [_type_name(kind, node) for kind in kinds]
    limits = [text.format(node[key]) for key, text in _LIMITS.items() if key in node]
    return ", ".join([" or ".join(parts), *limits])


_LIMITS: Final = {"maxLength": "at most {:,} characters", "maxItems": "at most {:,} items"}


def _type_name(kind: str, node: Json) -> str:
    if kind == "array":
        return f"list of {_field_type({key: value for key, value in node['items'].items() if key != 'maxLength'})}"
    if "contentEncoding" in node:
        return "base64"
    return {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}.get(kind, kind)


def _cell(text: str) -> str:
    """``text`` as a cell of a table: on one line."""
    return " ".join(text.split()).replace("|", "\\|")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|" for cells in lines)


def _page(title: str, source: str, intro: str, body: str) -> str:
    return f"# {title}\n{intro}\n{_GENERATED.format(source=source)}\n\n{body}\n"


def stale() -> list[str]:
    """The pages that are missing or differ from what is generated."""
    current = {page.name: page.read_text("utf-8") for page in FOLDER.glob("*.md")}
    return [name for name, text in documents().items() if current.get(name) != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m scripts.generate_reference", description="Generate docs/reference")
    parser.add_argument("--check", action="store_true", help="write nothing; name stale pages and exit with 1")
    check: bool = parser.parse_args(arguments).check
    names = stale()
    for name in names:
        if not check:
            (FOLDER / name).write_text(documents()[name], "utf-8")
        sys.stdout.write(f"{'stale' if check else 'written'}: docs/reference/{name}\n")
    return int(check and bool(names))


if __name__ == "__main__":
    sys.exit(main())
