"""What all commands share: help, version, exit codes, settings."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from stream import __version__
from stream.cli import EXIT_CODES
from stream.errors import StreamError
from tests.support.cli import commands, stream


@pytest.mark.parametrize(("name", "command"), commands())
def test_help_says_what_it_does_and_shows_an_example(name: str, command: click.Command) -> None:
    result = stream(name, "--help")
    assert result.exit_code == 0
    assert f"Example: {command.epilog or ''}".startswith("Example: Example: ")
    assert "Example: " in result.output
    assert f"stream {name}" in " ".join(result.output.partition("Example: ")[2].split())
    assert all(option.help for option in command.params if isinstance(option, click.Option) and not option.hidden)


def test_help_names_every_command() -> None:
    output = stream("--help").output
    assert all(f"\n  {name} " in output for name, _ in commands())
    assert {"demo", "worker", "process", "produce", "topics"} <= {name for name, _ in commands()}


def test_version() -> None:
    result = stream("--version")
    assert result.exit_code == 0
    assert result.output == f"stream, version {__version__}\n"


def test_wrong_usage_is_exit_code_2() -> None:
    assert stream("nothing").exit_code == 2
    assert stream("process", "--no-such-option").exit_code == 2
    for name in ("worker", "produce", "topics"):
        result = stream(name, "--broker", "memory://here")
        assert result.exit_code == 2
        assert "memory://" in result.stderr


def test_every_error_of_the_project_has_an_exit_code() -> None:
    for kind in StreamError.__subclasses__():
        assert any(issubclass(kind, handled) for handled, _ in EXIT_CODES)
    assert len({code for _, code in EXIT_CODES}) == len(EXIT_CODES)
    # The first that fits counts: the general one is last.
    assert EXIT_CODES[-1] == (StreamError, 70)


@pytest.mark.parametrize("name", ["worker", "process", "produce", "topics"])
def test_all_mistakes_in_the_settings_are_reported_together(name: str) -> None:
    wrong = {"window_days": "none", "raw_partitions": "0", "web_port": "99999", "log_level": "LOUD"}
    result = stream(name, **wrong)
    assert result.exit_code == 78
    assert result.stderr.startswith("stream: invalid settings:")
    for setting, value in wrong.items():
        assert f"STREAM_{setting.upper()} ({setting}) = {value!r}: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_of_settings_that_is_not_there_is_exit_code_78(tmp_path: Path) -> None:
    result = stream("process", config=str(tmp_path / "nowhere.toml"))
    assert result.exit_code == 78
    assert "nowhere.toml: no such file" in result.stderr


#: Arguments that each command needs.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "deadletters": ("list",),
    "explain": ("a.json", "b.json"),
    "evaluate": ("pairs.jsonl",),
}


@pytest.mark.parametrize("name", [name for name, _ in commands() if name != "doctor"])
def test_a_mistyped_variable_stops_every_command(name: str) -> None:
    result = stream(name, *ARGUMENTS.get(name, ()), brokr="kafka:9092")
    assert result.exit_code == 78
    assert result.stderr.endswith("  STREAM_BROKR: there is no such setting; did you mean STREAM_BROKER?\n")


def test_doctor_reports_a_mistyped_variable() -> None:
    result = stream("doctor", "--json", brokr="kafka:9092")
    assert result.exit_code == 1
    assert "STREAM_BROKR: there is no such setting; did you mean STREAM_BROKER?" in result.stdout
