"""Runs commands in the test process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson
from click.testing import CliRunner, Result

from stream.cli import main


def stream(*arguments: str | Path, stdin: BinaryIO | bytes | str | None = None, **environment: str) -> Result:
    """Run ``stream`` with ``arguments``; ``environment`` adds STREAM_ settings."""
    variables = {f"STREAM_{name.upper()}": value for name, value in environment.items()}
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin, env=variables)


def lines(result: Result) -> list[dict[str, Any]]:
    """The JSON lines on standard output."""
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in result.stdout_bytes.splitlines()]


def commands() -> list[tuple[str, click.Command]]:
    """Every command by its name."""
    context = click.Context(main)
    named = [(name, main.get_command(context, name)) for name in main.list_commands(context)]
    return [(name, command) for name, command in named if command]
