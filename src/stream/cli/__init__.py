"""The command line, ``stream COMMAND``; each command is a thin shell in a module of its own."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

import click

from stream import __version__
from stream.cli.input_files import InputError
from stream.errors import BrokerError, LogWentBack, SettingsError, StreamError

#: Exit codes as in sysexits.h; click uses 2 for wrong usage.
EXIT_CODES: Final[tuple[tuple[type[StreamError], int], ...]] = (
    (InputError, 66),
    (LogWentBack, 65),
    (BrokerError, 69),
    (SettingsError, 78),
    (StreamError, 70),
)

#: The commands with what `stream --help` says of each. A command is the function of that name in the module of that
#: name, imported only when it is called: all of them together take a second to import.
COMMANDS: Final = {
    "deadletters": "List, show, correct and requeue dead letters.",
    "demo": "See the whole flow work on a sample feed.",
    "doctor": "Check everything that a worker needs.",
    "evaluate": "Measure the decisions on labelled pairs.",
    "explain": "Explain why two articles are linked, or not.",
    "process": "Process files without a broker.",
    "produce": "Send files to the raw topic.",
    "recover": "Go on after a log went back.",
    "topics": "Create missing topics, and show the state of each.",
    "worker": "Run a worker until SIGTERM or Ctrl-C.",
}


def exit_code(error: StreamError) -> int:
    """The exit code of a command that ends with ``error``."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


class _LazyGroup(click.Group):
    """Imports a command when it is called, and reports the project's own errors in one line with their exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's interface
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"stream.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's interface
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StreamError as error:
            from stream.cli.bidi import escape_invisible  # noqa: PLC0415 # imports rich, which takes a tenth of a second

            click.echo(f"stream: {escape_invisible(str(error))}", err=True)
            sys.exit(exit_code(error))
        except BrokenPipeError:
            sys.stderr.close()  # the reader of the output is gone; Python would print a warning at exit
            sys.exit(0)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stream")
def main() -> None:
    """Turn the repetitive flood of scraped news into events that consumers can trust.

    Settings are read from STREAM_* environment variables or from the TOML file that STREAM_CONFIG names; options
    override both. A variable or key that is no setting is an error.

    \b
    Exit codes:
      0   success
      1   a negative result, as the help of each command says
      2   wrong usage
      65  a log went back
      66  input cannot be read
      69  broker unavailable
      70  fault
      78  invalid settings
    """  # noqa: D301 - click's mark for lines that are not wrapped
