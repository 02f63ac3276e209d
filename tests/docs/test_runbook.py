"""The run book: a section for each alert, and commands, settings and panels that there are."""

from __future__ import annotations

import re

import click
import pytest
import yaml

from stream.cli import main
from stream.errors import REJECTION_CODES
from stream.settings import ENV_PREFIX, Settings
from tests.support.grafana import BOARDS, PROMETHEUS, RUNBOOK, board

TEXT = RUNBOOK.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+)\n\n((?:(?!## ).*\n)*)", TEXT, flags=re.MULTILINE))
#: The names of alerts are one word with capitals inside, those of tasks are sentences.
ALERT = re.compile(r"(?:[A-Z][a-z]+){2,}")
#: ``stream`` commands in code, up to the end of the code or line.
COMMANDS = sorted(set(re.findall(r"(?:^|[`|] ?|\d )stream ([a-z][^`\n|#<]*)", TEXT, flags=re.MULTILINE)))


def alerts() -> dict[str, str]:
    """Each alert's severity."""
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule["labels"]["severity"] for rule in group["rules"]}


def anchor(heading: str) -> str:
    """The name under which a heading is linked."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_each_alert_has_a_section_and_each_section_of_an_alert_an_alert() -> None:
    assert {heading for heading in SECTIONS if ALERT.fullmatch(heading)} == alerts().keys()


@pytest.mark.parametrize(("name", "severity"), alerts().items())
def test_the_section_of_an_alert_tells_how_bad_it_is_and_when_it_is_over(name: str, severity: str) -> None:
    assert SECTIONS[name].startswith(f"**{severity.capitalize()}.**")
    assert "*Over*" in SECTIONS[name]


def test_links_lead_to_sections() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= {anchor(heading) for heading in SECTIONS}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_there_with_their_options(command: str) -> None:
    words = command.split()
    found: click.Command = main
    while isinstance(found, click.Group):
        inner = found.get_command(click.Context(found), words.pop(0))
        assert inner is not None, command
        found = inner
    options = {name for parameter in found.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_commands_were_found() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"deadletters", "doctor", "produce", "topics"}


def test_settings_are_there() -> None:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"\bSTREAM_[A-Z_]+[A-Z]\b", TEXT)) <= known


@pytest.mark.parametrize(
    ("setting", "value"),
    re.findall(r"`(STREAM_[A-Z_]+)`[,:]? ?\(?(\d+)[),]", TEXT),
)
def test_defaults_are_those_of_the_settings(setting: str, value: str) -> None:
    assert Settings.model_fields[setting.removeprefix(ENV_PREFIX).lower()].default == int(value)


@pytest.mark.parametrize("code", re.findall(r"--code (\w+)", TEXT))
def test_codes_are_there(code: str) -> None:
    assert code in REJECTION_CODES


@pytest.mark.parametrize("name", BOARDS)
def test_panels_that_are_named_are_on_that_dashboard(name: str) -> None:
    titles = tuple(panel["title"] for panel in board(name)["panels"])
    text = TEXT.replace("\n", " ")
    named = re.findall(rf"\*{name}\*, ([A-Z].{{40}})", text)
    assert named
    for mention in named:
        assert mention.startswith(titles), mention
