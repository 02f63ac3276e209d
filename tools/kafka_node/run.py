"""Start one Apache Kafka node (broker and controller) from its published jars, without Docker.

Needs Java 17 or later, and Maven for the first start only: Maven downloads the jars that ``pom.xml`` lists, and their
class path is cached in ``$XDG_CACHE_HOME/article-stream`` (``~/.cache/article-stream``). Two more things are cached
there to make later starts fast: the formatted storage that every new node copies, and an archive of loaded classes for
this Java, which the first node writes when it stops (which takes a few seconds longer that time).

The node listens on 127.0.0.1 only, and uses a temporary folder unless ``--data`` names one. Once it serves requests, it
prints one line to standard output, ``kafka ready on 127.0.0.1:PORT``; everything else goes to standard error. Ctrl-C,
SIGTERM and SIGHUP stop it.

Exit status: 0 stopped on request, 1 could not start or died, 2 usage error.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tools.kafka_node.node import LOG_NAME, POLL_SECONDS, Node, Options, PortTakenError, data_folder
from tools.kafka_node.runtime import HOST, KafkaError, Runtime, cache_folder, check, prepare, say

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT_ATTEMPTS = 3


class StopRequested(BaseException):
    """Raised by the signal handler, to unwind to the clean-up."""


def _on_signal(number: int, _frame: object) -> NoReturn:
    _ignore_signals()  # the clean-up must not be interrupted
    raise StopRequested(number)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def start_node(runtime: Runtime, options: Options, folder: Path) -> Node:
    """Start a node and wait until it is ready; try other ports if another process takes a free one first.

    Raises:
        KafkaError: The node cannot start.
    """
    for attempt in range(1, PORT_ATTEMPTS + 1):
        node = Node(runtime, options, folder)
        try:
            node.wait_until_ready(options.timeout)
        except PortTakenError:
            node.stop()
            fixed = options.port is not None and options.controller_port is not None
            if fixed or attempt == PORT_ATTEMPTS:
                raise
        except BaseException:
            _ignore_signals()
            node.stop()
            raise
        else:
            return node
    raise AssertionError


def serve(options: Options) -> None:
    """Run a node until it dies or a stop is requested.

    Raises:
        KafkaError: The node could not start, or died.
        StopRequested: A signal arrived, or the parent process ended.
    """
    parent = os.getppid()
    runtime = prepare(cache_folder())
    with data_folder(options.data) as folder:
        node = start_node(runtime, options, folder)
        try:
            address = f"{HOST}:{node.port}"
            sys.stdout.write(f"{address}\n" if options.print_address else f"kafka ready on {address}\n")
            sys.stdout.flush()
            say(f"data and {LOG_NAME} in {folder}; Ctrl-C stops it")
            while True:
                node.raise_if_dead()
                if options.stop_with_parent and os.getppid() != parent:
                    raise StopRequested
                time.sleep(POLL_SECONDS)
        finally:
            _ignore_signals()
            node.stop()


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return port


def _heap(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[kKmMgG]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512m or 2g")
    return text


def _property(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[\w.-]+", key) or not value.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; a usage error ends the process with status 2."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--port", type=_port, help="port for clients (default: any free one)")
    add("--controller-port", type=_port, help="port for the controller (default: any free one)")
    add("--data", type=Path, metavar="DIR", help="keep the data in DIR, and use what is there already")
    add("--heap", type=_heap, default="512m", help="Java's largest heap (default: %(default)s)")
    add(
        "--property",
        type=_property,
        action="append",
        default=[],
        dest="properties",
        metavar="KEY=VALUE",
        help="a broker setting, which overrides the defaults; repeatable",
    )
    add(
        "--jvm-option",
        action="append",
        default=[],
        dest="jvm_options",
        metavar="OPTION",
        help="an option for Java, such as --jvm-option=-Xms512m; repeatable",
    )
    add("--timeout", type=float, default=90.0, help="seconds until the node has to be ready (default: %(default)g)")
    add("--print-address", action="store_true", help="print only 127.0.0.1:PORT when ready")
    add("--stop-with-parent", action="store_true", help="stop when the process that started this one ends")
    add("--check", action="store_true", help="only check whether a node could start without a download")
    options = vars(parser.parse_args(arguments))
    options["properties"] = tuple(options["properties"])
    options["jvm_options"] = tuple(options["jvm_options"])
    return Options(**options)


def main() -> int:
    """Run the command and return its exit status."""
    options = parse()
    for number in _SIGNALS:
        signal.signal(number, _on_signal)
    try:
        if options.check:
            check()
        else:
            serve(options)
    except StopRequested:
        return 0
    except (KafkaError, OSError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
