"""The command line: ``stream COMMAND``. Each command is a thin shell in a module of its own."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

import click

from stream import __version__
from stream.cli.input_files import InputError
from stream.errors import BrokerError, SettingsError, StreamError

#: Exit codes after sysexits.h; 2 is click's for wrong usage.
EXIT_CODES: Final[tuple[tuple[type[StreamError], int], ...]] = (
    (InputError, 66),
    (BrokerError, 69),
    (SettingsError, 78),
    (StreamError, 70),
)

#: Each is a module here with a command of the same name, imported when it is called: a worker brings half a
#: second of imports that ``stream process`` has no use for.
COMMANDS: Final = ("deadletters", "demo", "doctor", "evaluate", "explain", "process", "produce", "topics", "worker")


def exit_code(error: StreamError) -> int:
    """The exit code of a command that ends with ``error``."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


class _Group(click.Group):
    """Finds the commands, and reports the project's own errors in one line and with their exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"stream.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StreamError as error:
            click.echo(f"stream: {error}", err=True)
            sys.exit(exit_code(error))
        except BrokenPipeError:
            sys.stderr.close()  # whoever read the output has enough; Python would complain at exit
            sys.exit(0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stream")
def main() -> None:
    """Turn the repetitive flood of scraped news into events that consumers can trust.

    Settings are STREAM_* variables or a TOML file named by STREAM_CONFIG; options go before both.
    Exit codes: 0 done, 2 wrong usage, 66 unreadable input, 69 broker, 70 fault, 78 settings.
    """
