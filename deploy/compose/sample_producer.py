"""Sends invented articles to the raw topic at a steady rate until SIGTERM, so that there is something to look at.

They come from `tests/support/article_generator.py`: new ones, copies, revisions, excerpts, takedowns, and a few of no use.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.monitoring.producer import Producer
from tests.support.article_generator import Newsroom
from tests.support.processes_of_stack import ObserveError

from stream.errors import SettingsError
from stream.settings import load_settings

CHECK_S = 1.0
EXIT_BROKER = 69
EXIT_FAULT = 70
EXIT_SETTINGS = 78


def main() -> int:
    """Send until a signal; the exit codes are those of `stream`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0, help="messages a second")
    parser.add_argument("--garbage", type=float, default=0.01, help="share of messages that are of no use")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # Another seed each time: the same articles again would all be re-crawls.
    newsroom = Newsroom(random.SystemRandom().randrange(2**32), garbage_share=options.garbage)
    faults: list[BaseException | None] = []

    def fault(thrown: threading.ExceptHookArgs) -> None:
        faults.append(thrown.exc_value)
        stop.set()

    # What the producer's thread does not expect ends this process: its supervisor starts it again.
    threading.excepthook = fault
    try:
        with Producer(load_settings(), newsroom, rate=options.rate) as producer:
            while not stop.wait(CHECK_S):
                producer.raise_if_failed()
    except (ObserveError, SettingsError) as error:
        print(f"sample: {error}", file=sys.stderr)  # noqa: T201 - a command
        return EXIT_SETTINGS if isinstance(error, SettingsError) else EXIT_BROKER
    if faults:
        print(f"sample: {faults[0]!r}", file=sys.stderr)  # noqa: T201 - a command
        return EXIT_FAULT
    return 0


if __name__ == "__main__":
    sys.exit(main())
