"""The run book has a section for each alert, and its commands, settings and panels exist."""

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
#: The heading of an alert is its name; other headings are plain text.
ALERT = re.compile(r"(?:[A-Z][a-z]+){2,}")
#: Every ``stream`` command in code, up to the end of the code or of the line.
COMMANDS = sorted(set(re.findall(r"(?:^|[`|] ?|\d )stream ([a-z][^`\n|#<]*)", TEXT, flags=re.MULTILINE)))


def alerts() -> dict[str, str]:
    """The severity of each alert."""
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule["labels"]["severity"] for rule in group["rules"]}


def anchor(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_alerts_and_their_sections_are_the_same() -> None:
    assert {heading for heading in SECTIONS if ALERT.fullmatch(heading)} == alerts().keys()


@pytest.mark.parametrize(("name", "severity"), alerts().items())
def test_the_section_of_an_alert_says_how_severe_it_is_and_when_it_is_resolved(name: str, severity: str) -> None:
    assert SECTIONS[name].startswith(f"**{severity.capitalize()}.**")
    assert "*Resolved*" in SECTIONS[name]


def test_links_lead_to_existing_sections() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= {anchor(heading) for heading in SECTIONS}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist_with_their_options(command: str) -> None:
    words = command.split()
    current: click.Command = main
    while isinstance(current, click.Group):
        subcommand = current.get_command(click.Context(current), words.pop(0))
        assert subcommand is not None, command
        current = subcommand
    options = {name for parameter in current.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_the_commands_of_the_run_book_are_recognized() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"deadletters", "doctor", "produce", "recover", "topics"}


def test_settings_exist() -> None:
    settings = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"\bSTREAM_[A-Z_]+[A-Z]\b", TEXT)) <= settings


@pytest.mark.parametrize(
    ("setting", "value"),
    re.findall(r"`(STREAM_[A-Z_]+)`[,:]? ?\(?(\d+)[),]", TEXT),
)
def test_defaults_are_right(setting: str, value: str) -> None:
    assert Settings.model_fields[setting.removeprefix(ENV_PREFIX).lower()].default == int(value)


@pytest.mark.parametrize("code", re.findall(r"--code (\w+)", TEXT))
def test_rejection_codes_exist(code: str) -> None:
    assert code in REJECTION_CODES


@pytest.mark.parametrize("name", BOARDS)
def test_panels_are_on_the_dashboard_that_is_named(name: str) -> None:
    titles = tuple(panel["title"] for panel in board(name)["panels"])
    text = TEXT.replace("\n", " ")
    mentions = re.findall(rf"\*{name}\*, ([A-Z].{{40}})", text)
    assert mentions
    for mention in mentions:
        assert mention.startswith(titles), mention
