#!/usr/bin/env python3
"""Shows the whole of it at work on this machine, without Docker, and checks that it can be watched.

Starts Kafka, two workers, a Prometheus with the project's alerts, and a producer of invented articles at a steady
rate. After a while every query of every dashboard and every alert is asked of Prometheus and shown with its value.
Needs Java 17 or later, Maven (once) and Prometheus on the PATH. All listen on 127.0.0.1, at free ports, and all is
removed at the end; where something fails the logs are left. Ctrl-C and SIGTERM stop it.

Exit status: 0 all is as it should be, or stopped on request with --stay; 1 a panel has no data, an alert fires or
does not when it should, or something ended; 2 wrong usage; 69 a program is missing; 130 and 143 stopped before the
end.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console

from stream.errors import StreamError
from tests.e2e.monitoring.checks import answers_table, ask_all, problems, rules_table
from tests.e2e.monitoring.draw import Span, draw_all
from tests.e2e.monitoring.producer import Producer
from tests.e2e.monitoring.scenarios import SCENARIOS, faster_rules, outcomes_table, perform, settle
from tests.e2e.monitoring.stack import SCRAPE_S, Stand, run_folder
from tests.support.article_generator import Newsroom
from tests.support.dashboard_queries import ALERTS, DASHBOARDS
from tests.support.processes_of_stack import ObserveError, ToolMissingError, require_tools

_GARBAGE_SHARE: Final = 0.005
#: A busy machine may need longer until each panel has its data.
_GRACE_S: Final = 30.0
_CHECK_S: Final = 60.0
_PICTURE_S: Final = 240.0
_POLL_S: Final = 1.0
#: For the pictures: how far the rate swings, how often, and in which part of the time a worker is away.
_SWING: Final = 0.6
_WAVES: Final = 2.5
_WARM_UP_S: Final = 20.0
_AWAY: Final = (0.45, 0.57)
#: For Grafana's $__rate_interval: as its data source makes it, four scrapes or more.
_INTERVAL: Final = f"{15 * SCRAPE_S}s"
_TOOL_MISSING: Final = 69
_COLUMNS: Final = 170
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Raised by the signal handler to unwind to the clean-up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True)
class Options:
    """The command line. ``rate`` in messages a second."""

    seconds: float
    rate: float
    stay: bool
    faults: bool
    pictures: Path | None


def run(options: Options, console: Console) -> None:
    """Do what was asked for.

    Raises:
        ObserveError: it cannot be done, or something is not as it should be.
    """
    require_tools()
    with run_folder() as folder:
        stand = Stand(folder, faster_rules(folder) if options.faults else ALERTS)
        console.print("starting Kafka, two workers and Prometheus …")
        newsroom = Newsroom(seed=1, garbage_share=_GARBAGE_SHARE)
        with stand.running(), Producer(stand.settings, newsroom, rate=options.rate) as producer:
            console.print(f"Prometheus: {stand.prometheus.url} (logs in {folder / 'logs'})")
            if options.faults:
                _faults(stand, producer, console)
            elif options.pictures:
                _pictures(stand, producer, options.pictures, options, console)
            else:
                _check(stand, producer, options, console)
            if options.stay:
                _stay(stand, producer, console)


def _check(stand: Stand, producer: Producer, options: Options, console: Console) -> None:
    """Wait, ask for everything, and show it."""
    console.print(f"{options.rate:g} messages a second; every query is asked in {options.seconds:g} s")
    _watch(stand, producer, options.seconds)
    deadline = time.monotonic() + _GRACE_S
    while True:
        answers = ask_all(stand.prometheus, stand.rules, interval=_INTERVAL)
        rules = stand.prometheus.rules()
        found = problems(answers, rules)
        if not found or time.monotonic() > deadline:
            break
        _watch(stand, producer, _POLL_S)
    console.print(answers_table(answers))
    console.print(rules_table(rules))
    if found:
        raise ObserveError("\n".join(found))
    console.print(f"all {len(answers)} queries have what they need, and no alert fires; {producer.sent} messages sent")


def _pictures(stand: Stand, producer: Producer, folder: Path, options: Options, console: Console) -> None:
    """Let it run with ups and downs, a worker among them that is killed, and draw what Prometheus saw."""
    console.print(f"about {options.rate:g} messages a second; the pictures are drawn in {options.seconds:g} s")
    start, began = time.time(), time.monotonic()
    worker = stand.workers[-1]
    while (share := (time.monotonic() - began) / options.seconds) < 1:
        producer.rate = options.rate * (1 + _SWING * math.sin(share * _WAVES * 2 * math.pi))
        is_away = _AWAY[0] <= share < _AWAY[1]
        if is_away and worker.process.is_running:
            worker.process.kill()
        elif not is_away and not worker.process.is_running:
            worker.restart()
        producer.raise_if_failed()
        time.sleep(_POLL_S)
    span = Span(start + _WARM_UP_S, time.time(), step_s=SCRAPE_S, interval=f"{6 * SCRAPE_S}s")
    for picture in draw_all(stand.prometheus, folder, span, stand.rules):
        console.print(f"{picture}: {picture.stat().st_size / 1024:.0f} KiB")


def _faults(stand: Stand, producer: Producer, console: Console) -> None:
    """Let everything go wrong, one after the other."""
    settle(stand, producer)
    outcomes = []
    for scenario in SCENARIOS:
        console.print(f"{scenario.name} …")
        outcomes.append(perform(stand, producer, scenario))
    console.print(outcomes_table(outcomes))
    if wrong := [outcome.scenario.name for outcome in outcomes if not outcome.is_right]:
        raise ObserveError(f"other alerts than expected: {', '.join(wrong)}")
    console.print(
        f"{len(outcomes)} of {len(outcomes)} scenarios: the expected alerts fired, no other, and all resolved"
    )


def _stay(stand: Stand, producer: Producer, console: Console) -> NoReturn:
    """Keep it running until a signal."""
    pages = "\n".join(f"  {worker.name}: http://{worker.address}/metrics" for worker in stand.workers)
    console.print(f"{pages}\n  Prometheus: {stand.prometheus.url}\n  Kafka: {stand.settings.broker}")
    console.print(f"A Grafana shows it with this data source and the dashboards in {DASHBOARDS}. Ctrl-C stops all.")
    while True:
        _watch(stand, producer, _POLL_S)


def _watch(stand: Stand, producer: Producer, seconds: float) -> None:
    """Let it run, and see that it does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stand.raise_if_ended()
        producer.raise_if_failed()
        time.sleep(min(_POLL_S, max(0.0, end - time.monotonic())))


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; wrong usage ends the process with status 2."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--seconds", type=_positive, help="run so long before all is asked (default: 60; 240 with --pictures)")
    add("--rate", type=_positive, default=40.0, help="messages a second (default: %(default)g)")
    add("--stay", action="store_true", help="go on after that until Ctrl-C, and print the addresses")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--faults", action="store_true", help="let things go wrong, and see which alerts fire")
    what.add_argument("--pictures", type=Path, metavar="DIR", help="draw each dashboard's panels into DIR")
    known = parser.parse_args(arguments)
    seconds = known.seconds or (_PICTURE_S if known.pictures else _CHECK_S)
    return Options(seconds, known.rate, known.stay, known.faults, known.pictures)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _on_signal(number: int, _frame: object) -> NoReturn:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # the clean-up must not be interrupted
    raise StopRequested(number)


def main() -> int:
    """Run the command and return its exit status."""
    options = parse()
    for name in [name for name in os.environ if name.startswith("STREAM_")]:
        del os.environ[name]  # settings of a worker of the user's are not meant for these
    for number in _SIGNALS:
        signal.signal(number, _on_signal)
    console = Console(width=None if sys.stdout.isatty() else _COLUMNS, highlight=False)
    try:
        run(options, console)
    except StopRequested as request:
        return 0 if options.stay else 128 + request.number
    except ToolMissingError as error:
        sys.stderr.write(f"observe: {error}\n")
        return _TOOL_MISSING
    except (ObserveError, StreamError, OSError) as error:
        sys.stderr.write(f"observe: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
