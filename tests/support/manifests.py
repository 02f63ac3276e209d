"""Builds deploy/kubernetes with kustomize, and validates the documents as an API server would."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # ships no types
import yaml

from stream.settings import ENV_PREFIX, Settings
from tests.support.tools import ROOT, tool

Document = dict[str, Any]

FOLDER: Final = ROOT / "deploy" / "kubernetes"
OVERLAYS: Final = sorted(path.name for path in (FOLDER / "overlays").iterdir())
SCHEMAS: Final[dict[str, Document]] = {
    each["kind"]: each
    for each in (
        json.loads(path.read_text(encoding="utf-8"))
        for path in (Path(__file__).parents[1] / "deploy" / "schemas").glob("*.json")
    )
}
#: Kinds that hold a pod.
POD_KINDS: Final = ("Deployment", "StatefulSet", "Job")
CONTAINER: Final = "stream"
#: With libyaml, loading is ten times as fast.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def build(overlay: str) -> tuple[Document, ...]:
    """Build the documents of an overlay; fail on errors and warnings of kustomize."""
    kustomize = tool("kustomize", "built from its Go module")
    command = [kustomize, "build", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return tuple(yaml.load_all(done.stdout, Loader=_LOADER))


def of_kind(documents: Iterable[Document], *kinds: str) -> list[Document]:
    return [document for document in documents if document["kind"] in kinds]


def name(document: Document) -> str:
    return str(document["metadata"]["name"])


def workers(documents: Iterable[Document]) -> list[Document]:
    """The workloads that run ``stream worker``."""
    return of_kind(documents, "Deployment", "StatefulSet")


def pod(workload: Document) -> Document:
    spec: Document = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Document) -> Document:
    """The only container of a workload."""
    (only,) = pod(workload)["containers"]
    assert only["name"] == CONTAINER
    return dict(only)


def settings_map(documents: Iterable[Document]) -> Document:
    """The ConfigMap with the settings."""
    (only,) = [each for each in of_kind(documents, "ConfigMap") if f"{ENV_PREFIX}BROKER" in each["data"]]
    return only


def environment(workload: Document, documents: Iterable[Document]) -> dict[str, str]:
    """The variables of a workload's container."""
    config_map = settings_map(documents)
    (source,) = container(workload)["envFrom"]
    assert source["configMapRef"]["name"] == name(config_map)
    return {**config_map["data"], **{each["name"]: each["value"] for each in container(workload).get("env", [])}}


def settings(workload: Document, documents: Iterable[Document]) -> Settings:
    """The settings of a workload's container; unknown variables are errors here."""
    variables = environment(workload, documents)
    return Settings(**{key.removeprefix(ENV_PREFIX).lower(): value for key, value in variables.items()})  # type: ignore[arg-type]  # text, as variables are


def steps(workload: Document) -> set[str]:
    """The steps on a worker's command line."""
    command, *options = container(workload)["args"]
    assert command == "worker"
    return set(options[1::2]) or {"normalize", "deduplicate"}


def selects(selector: dict[str, str], workload: Document) -> bool:
    """Whether labels select the pods of a workload."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return selector.items() <= labels.items()


def find_errors(document: Document, version: str) -> list[str]:
    """Return why this version of Kubernetes would reject a document or ignore a part of it."""
    if schema := SCHEMAS.get(document["kind"]):
        assert document["apiVersion"] == schema["apiVersion"]
        return [error.message for error in _validator(document["kind"]).iter_errors(document)]
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    return []


@cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = dict(_strict(SCHEMAS[kind]["schema"]))
    schema["properties"] |= {"metadata": {"type": "object", "required": ["name"]}}
    return jsonschema.Draft202012Validator(schema)


def _strict(schema: Document) -> Iterator[tuple[str, Any]]:
    """The schema in terms of JSON Schema, which forbids what an API server would silently drop."""
    for key, value in schema.items():
        if key == "properties":
            yield key, {name: dict(_strict(each)) for name, each in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            yield key, dict(_strict(value))
        elif key == "x-kubernetes-int-or-string":
            yield "type", ["integer", "string"]
        else:
            yield key, value
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        yield "additionalProperties", False
