"""What the documentation points to exists: files, headings, settings, metrics, codes, commands, make targets."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Final

import click
import pytest
import yaml

from stream.cli import main
from stream.errors import REJECTION_CODES
from stream.observability.metric_definitions import CATALOGUE
from stream.settings import ENV_PREFIX, Settings
from tests.support.markdown import HOME, RAW_HOME, ROOT, Document, documents

DOCUMENTS: Final = documents()
#: Those that describe the project as it is; the changelog describes it as it was.
CURRENT: Final = [document for document in DOCUMENTS if document.name != "CHANGELOG.md"]
#: Variables that are no settings: for tests, and the file of settings.
OTHER_VARIABLES: Final = {"STREAM_CONFIG", "STREAM_TEST_BROKER", "STREAM_REQUIRE_KAFKA", "STREAM_REQUIRE_TOOLS"}
TOP_FOLDERS: Final = ("src", "tests", "docs", "deploy", "scripts", "tools", "benchmarks", ".ci", ".github")


def name_of(document: Document) -> str:
    return document.name


def for_each(documents: list[Document]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("document", documents, ids=name_of)


@for_each(DOCUMENTS)
def test_links_lead_to_files_and_headings(document: Document) -> None:
    broken_links = [link for link in document.links() if not leads_somewhere(document, link)]
    assert not broken_links


def leads_somewhere(document: Document, link: str) -> bool:
    for home in (HOME, RAW_HOME):
        if link.startswith(home):
            return leads_somewhere(Document(ROOT / "README.md"), link.removeprefix(home))
    if re.match(r"\w+:", link):  # another site, which a test does not visit
        return True
    path, _, anchor = link.partition("#")
    target = (document.path.parent / path).resolve() if path else document.path
    if anchor:
        return target.is_file() and anchor in Document(target).anchors
    return target.exists()


def test_the_readme_has_absolute_links_only() -> None:
    """PyPI shows it too, and knows no files of the project."""
    (readme,) = (document for document in DOCUMENTS if document.name == "README.md")
    assert [link for link in readme.links() if not link.startswith("https://")] == []


@for_each(CURRENT)
def test_files_that_are_named_exist(document: Document) -> None:
    named = {code.rstrip("/") for code in document.code if re.fullmatch(r"[\w.-]+(?:/[\w.@-]+)+/?", code)}
    missing = {name for name in named if name.startswith(TOP_FOLDERS) and not (ROOT / name).exists()}
    assert not missing


@for_each(CURRENT)
def test_settings_that_are_named_exist(document: Document) -> None:
    variables = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    assert set(re.findall(r"\bSTREAM_[A-Z_]*[A-Z]\b", document.text)) <= variables


@for_each(CURRENT)
def test_metrics_that_are_named_exist(document: Document) -> None:
    series = {metric.series for metric in CATALOGUE}
    assert {name for name in re.findall(r"\bstream_[a-z_]+[a-z]\b", document.text) if name not in series} == set()


@for_each(CURRENT)
def test_rejection_codes_that_are_named_exist(document: Document) -> None:
    assert set(re.findall(r"--code (\w+)", document.text)) <= REJECTION_CODES.keys()


@for_each(CURRENT)
def test_commands_exist_with_their_options(document: Document) -> None:
    static = "\n".join(block.text for block in document.blocks if block.language == "sh")
    inline = "\n".join(document.code)
    for command in re.findall(
        r"(?:^|\| |bin/)(?:article-)?stream ([a-z-][^\n|#<>]*)", f"{static}\n{inline}", re.MULTILINE
    ):
        require_command(command)


def require_command(text: str) -> None:
    """Fail unless the words of ``text`` are a command of ours, with options that it has."""
    words = re.sub(r"'[^']*'|\"[^\"]*\"", "TEXT", text).split()
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(click.Context(command), words.pop(0))
        assert inner is not None, f"no command: stream {text}"
        command = inner
    options = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
    assert not unknown, f"no option {unknown}: stream {text}"


@for_each(CURRENT)
def test_make_targets_exist(document: Document) -> None:
    blocks = "\n".join(block.text for block in document.blocks)
    named = re.findall(r"^make ([a-z]+)", "\n".join([blocks, *document.code]), re.MULTILINE)
    assert set(named) <= make_targets()


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@for_each(CURRENT)
def test_modules_that_are_run_exist(document: Document) -> None:
    blocks = "\n".join(block.text for block in document.blocks)
    for module in set(re.findall(r"python3? -m ([\w.]+)", "\n".join([blocks, *document.code]))):
        assert importlib.util.find_spec(module), module


def test_there_is_something_to_check() -> None:
    text = "\n".join(document.text for document in CURRENT)
    for pattern in (r"`STREAM_[A-Z_]+`", r"`stream_[a-z_]+`", r"`stream [a-z]+", r"`make [a-z]+", r"--code \w+"):
        assert re.search(pattern, text)


def test_the_workflow_runs_the_checks_of_ci() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    commands = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert ".ci/run" in commands
    assert Path(ROOT / ".ci" / "run").is_file()
