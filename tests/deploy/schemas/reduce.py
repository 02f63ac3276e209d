# ruff: noqa: INP001 - a script, no package
"""Reduce a CustomResourceDefinition to the schema that the tests need; README.md lists the sources.

python tests/deploy/schemas/reduce.py CRD.yaml --source go:github.com/kedacore/keda/v2@v2.21.0
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).resolve().parent
LICENCE: Final = "Apache-2.0"
#: Keywords that only an API server can check, or that validation does not need: prose, merging, CEL.
_DROPPED: Final = ("description", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")
_CEL: Final = "x-kubernetes-validations"


def reduce_schema(definition: dict[str, Any], version: str, source: str) -> dict[str, Any]:
    """Return the schema of one version of a CRD without its status, and its source."""
    spec = definition["spec"]
    (only,) = [each for each in spec["versions"] if each["name"] == version]
    schema = _drop_prose(only["schema"]["openAPIV3Schema"])
    schema["properties"].pop("status", None)
    origin = {"source": source, "licence": LICENCE, "apiVersion": f"{spec['group']}/{version}"}
    return {**origin, "kind": spec["names"]["kind"], "schema": schema}


def _drop_prose(schema: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in (*_DROPPED, _CEL):
            continue
        if key == "properties":
            kept[key] = {name: _drop_prose(each) for name, each in value.items()}
        elif isinstance(value, dict) and key in ("items", "additionalProperties"):
            kept[key] = _drop_prose(value)
        else:
            kept[key] = value
    return kept


def main() -> None:
    """Write ``<kind>.json`` next to this file."""
    parser = argparse.ArgumentParser(description="Reduce a CustomResourceDefinition to a schema.")
    parser.add_argument("definition", type=Path)
    parser.add_argument("--source", required=True, help="the package and version that it comes from")
    arguments = parser.parse_args()
    definition = yaml.safe_load(arguments.definition.read_text(encoding="utf-8"))
    (version,) = [each["name"] for each in definition["spec"]["versions"] if each["storage"]]
    schema = reduce_schema(definition, version, arguments.source)
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (HERE / f"{schema['kind'].lower()}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
