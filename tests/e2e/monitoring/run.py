"""Run the whole flow on this machine, without Docker, and check its dashboards and alerts.

Starts Kafka, two workers, a Prometheus with the project's alerts, and a producer of generated articles at a steady
rate. After a while, every query of every dashboard and alert runs on Prometheus, and its value is printed. Needs
Java 17 or later, Maven (once) and Prometheus on the PATH. Everything listens on 127.0.0.1, on free ports, and is
removed at the end; if something fails, the logs stay. Ctrl-C and SIGTERM stop the run.

Exit status: 0 everything is as expected, or stopped on request with --stay; 1 a panel has no data, an alert fires
when it should not or does not when it should, or a process exited; 2 usage error; 69 a program is missing; 130 and 143
interrupted.
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
from tests.e2e.monitoring.checks import find_problems, results_table, rules_table, run_queries
from tests.e2e.monitoring.dashboard_pictures import Span, draw_dashboards
from tests.e2e.monitoring.scenarios import SCENARIOS, outcomes_table, run_scenario, settle, write_faster_rules
from tests.e2e.monitoring.stack import SCRAPE_S, Stack, run_folder
from tests.support.article_generator import LiveFeed
from tests.support.article_producer import ArticleProducer
from tests.support.dashboard_queries import ALERTS, DASHBOARDS
from tests.support.processes_of_stack import MonitoringError, ToolMissingError, require_tools

_GARBAGE_SHARE: Final = 0.005
#: On a busy machine it takes longer until every panel has data.
_GRACE_S: Final = 30.0
_CHECK_S: Final = 60.0
_PICTURE_S: Final = 240.0
_POLL_S: Final = 1.0
#: For the pictures: how far the rate varies and how often, and during which part of the time a worker is down.
_RATE_VARIATION: Final = 0.6
_RATE_PERIODS: Final = 2.5
_WARM_UP_S: Final = 20.0
_DOWN: Final = (0.45, 0.57)
#: For Grafana's $__rate_interval, which is at least four scrape intervals.
_INTERVAL: Final = f"{15 * SCRAPE_S}s"
_TOOL_MISSING: Final = 69
_COLUMNS: Final = 170
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Raised by the signal handler, to unwind to the clean-up."""

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
    """Start everything, then check it, draw it or cause faults.

    Raises:
        MonitoringError: Something does not start, or is not as expected.
    """
    require_tools()
    with run_folder() as folder:
        stack = Stack(folder, write_faster_rules(folder) if options.faults else ALERTS)
        console.print("starting Kafka, two workers and Prometheus …")
        feed = LiveFeed(seed=1, garbage_share=_GARBAGE_SHARE)
        with stack.run(), ArticleProducer(stack.settings, feed, rate=options.rate) as producer:
            console.print(f"Prometheus: {stack.prometheus.url} (logs in {folder / 'logs'})")
            if options.faults:
                _run_scenarios(stack, producer, console)
            elif options.pictures:
                _draw(stack, producer, options.pictures, options, console)
            else:
                _check(stack, producer, options, console)
            if options.stay:
                _stay(stack, producer, console)


def _check(stack: Stack, producer: ArticleProducer, options: Options, console: Console) -> None:
    """Wait, run every query, and print the results."""
    console.print(f"{options.rate:g} messages a second; the queries run in {options.seconds:g} s")
    _watch(stack, producer, options.seconds)
    deadline = time.monotonic() + _GRACE_S
    while True:
        results = run_queries(stack.prometheus, stack.rules, interval=_INTERVAL)
        rules = stack.prometheus.rules()
        problems = find_problems(results, rules)
        if not problems or time.monotonic() > deadline:
            break
        _watch(stack, producer, _POLL_S)
    console.print(results_table(results))
    console.print(rules_table(rules))
    if problems:
        raise MonitoringError("\n".join(problems))
    console.print(f"all {len(results)} queries have data, and no alert is firing; {producer.sent} messages sent")


def _draw(stack: Stack, producer: ArticleProducer, folder: Path, options: Options, console: Console) -> None:
    """Vary the rate, kill a worker for a while, and draw the dashboards."""
    console.print(f"about {options.rate:g} messages a second; the dashboards are drawn in {options.seconds:g} s")
    start, start_monotonic = time.time(), time.monotonic()
    worker = stack.workers[-1]
    while (share := (time.monotonic() - start_monotonic) / options.seconds) < 1:
        producer.rate = options.rate * (1 + _RATE_VARIATION * math.sin(share * _RATE_PERIODS * 2 * math.pi))
        is_down = _DOWN[0] <= share < _DOWN[1]
        if is_down and worker.process.is_running:
            worker.process.kill()
        elif not is_down and not worker.process.is_running:
            worker.restart()
        producer.raise_if_failed()
        time.sleep(_POLL_S)
    span = Span(start + _WARM_UP_S, time.time(), step_s=SCRAPE_S, interval=f"{6 * SCRAPE_S}s")
    for picture in draw_dashboards(stack.prometheus, folder, span, stack.rules):
        console.print(f"{picture}: {picture.stat().st_size / 1024:.0f} KiB")


def _run_scenarios(stack: Stack, producer: ArticleProducer, console: Console) -> None:
    """Cause one fault after another, and check which alerts fire."""
    settle(stack, producer)
    outcomes = []
    for scenario in SCENARIOS:
        console.print(f"{scenario.name} …")
        outcomes.append(run_scenario(stack, producer, scenario))
    console.print(outcomes_table(outcomes))
    if wrong := [outcome.scenario.name for outcome in outcomes if not outcome.is_right]:
        raise MonitoringError(f"unexpected outcome of: {', '.join(wrong)}")
    console.print(
        f"{len(outcomes)} of {len(outcomes)} scenarios: only the expected alerts fired, and all were resolved"
    )


def _stay(stack: Stack, producer: ArticleProducer, console: Console) -> NoReturn:
    """Keep everything running until a signal arrives."""
    pages = "\n".join(f"  {worker.name}: http://{worker.address}/metrics" for worker in stack.workers)
    console.print(f"{pages}\n  Prometheus: {stack.prometheus.url}\n  Kafka: {stack.settings.broker}")
    console.print(f"In a Grafana, add this Prometheus and the dashboards in {DASHBOARDS}. Ctrl-C stops everything.")
    while True:
        _watch(stack, producer, _POLL_S)


def _watch(stack: Stack, producer: ArticleProducer, seconds: float) -> None:
    """Wait, and check meanwhile that everything keeps running."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stack.raise_if_ended()
        producer.raise_if_failed()
        time.sleep(min(_POLL_S, max(0.0, end - time.monotonic())))


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; a usage error ends the process with status 2."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--seconds", type=_positive, help="how long to run before the check (default: 60; 240 with --pictures)")
    add("--rate", type=_positive, default=40.0, help="messages a second (default: %(default)g)")
    add("--stay", action="store_true", help="keep running after the check until Ctrl-C, and print the URLs")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--faults", action="store_true", help="cause faults, and check which alerts fire")
    mode.add_argument("--pictures", type=Path, metavar="DIR", help="draw the dashboards into DIR")
    parsed = parser.parse_args(arguments)
    seconds = parsed.seconds or (_PICTURE_S if parsed.pictures else _CHECK_S)
    return Options(seconds, parsed.rate, parsed.stay, parsed.faults, parsed.pictures)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _on_signal(number: int, _frame: object) -> NoReturn:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # the clean-up must not be interrupted
    raise StopRequested(number)


def main() -> int:
    """Run the command and return its exit status."""
    options = parse()
    for name in [name for name in os.environ if name.startswith("STREAM_")]:
        del os.environ[name]  # the user's own settings are not meant for this run
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
    except (MonitoringError, StreamError, OSError) as error:
        sys.stderr.write(f"observe: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
