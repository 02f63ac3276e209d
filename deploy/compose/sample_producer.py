"""Send generated articles to the raw topic at a steady rate until SIGTERM, for trying out the flow.

The articles come from `tests/support/article_generator.py`: originals, copies, revisions, excerpts, takedowns, and some
invalid messages. Run it from the project's root: ``python -m deploy.compose.sample_producer``.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from typing import Final

from tests.support.article_generator import LiveFeed
from tests.support.article_producer import ArticleProducer

from stream.errors import SettingsError, StreamError
from stream.settings import load_settings

_POLL_S: Final = 1.0
_EXIT_BROKER: Final = 69
_EXIT_FAULT: Final = 70
_EXIT_SETTINGS: Final = 78


def main() -> int:
    """Send until a signal arrives; the exit codes are those of `stream`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0, help="messages a second (default: %(default)g)")
    parser.add_argument(
        "--garbage", type=float, default=0.01, help="share of invalid messages, 0 to 1 (default: %(default)g)"
    )
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # A new seed for each run: the same articles again would all be recrawls.
    feed = LiveFeed(random.SystemRandom().randrange(2**32), garbage_share=options.garbage)
    faults: list[BaseException | None] = []

    def stop_on_fault(thrown: threading.ExceptHookArgs) -> None:
        faults.append(thrown.exc_value)
        stop.set()

    # An unexpected exception in the producer's thread ends this process, so that its supervisor restarts it.
    threading.excepthook = stop_on_fault
    try:
        with ArticleProducer(load_settings(), feed, rate=options.rate) as producer:
            while not stop.wait(_POLL_S):
                producer.raise_if_failed()
    except StreamError as error:
        print(f"sample: {error}", file=sys.stderr)  # noqa: T201 - a command
        return _EXIT_SETTINGS if isinstance(error, SettingsError) else _EXIT_BROKER
    if faults:
        print(f"sample: {faults[0]!r}", file=sys.stderr)  # noqa: T201 - a command
        return _EXIT_FAULT
    return 0


if __name__ == "__main__":
    sys.exit(main())
