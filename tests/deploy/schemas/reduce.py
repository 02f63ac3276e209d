# ruff: noqa: INP001 - a script beside what it writes
"""Cut a CustomResourceDefinition down to the schema that the tests need; README.md says from where.

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
#: What only an API server can judge, or nobody needs: prose, merging, CEL.
_DROPPED: Final = ("description", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")
_CEL: Final = "x-kubernetes-validations"


def reduced(definition: dict[str, Any], version: str, source: str) -> dict[str, Any]:
    """The schema of one version of a CRD, without its status, and where it comes from."""
    spec = definition["spec"]
    (found,) = [each for each in spec["versions"] if each["name"] == version]
    schema = _without_prose(found["schema"]["openAPIV3Schema"])
    schema["properties"].pop("status", None)
    told = {"source": source, "licence": LICENCE, "apiVersion": f"{spec['group']}/{version}"}
    return {**told, "kind": spec["names"]["kind"], "schema": schema}


def _without_prose(schema: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in (*_DROPPED, _CEL):
            continue
        if key == "properties":
            kept[key] = {name: _without_prose(each) for name, each in value.items()}
        elif isinstance(value, dict) and key in ("items", "additionalProperties"):
            kept[key] = _without_prose(value)
        else:
            kept[key] = value
    return kept


def main() -> None:
    """Write ``<kind>.json`` beside this file."""
    parser = argparse.ArgumentParser(description="Cut a CustomResourceDefinition down to a schema.")
    parser.add_argument("definition", type=Path)
    parser.add_argument("--source", required=True, help="package and version that it comes from")
    arguments = parser.parse_args()
    definition = yaml.safe_load(arguments.definition.read_text(encoding="utf-8"))
    (version,) = [each["name"] for each in definition["spec"]["versions"] if each["storage"]]
    made = reduced(definition, version, arguments.source)
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (HERE / f"{made['kind'].lower()}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
