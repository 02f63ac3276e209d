"""A worker process: checks, the flow until a signal, and an exit code that a supervisor understands."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Sequence
from typing import Final

from stream import broker_admin, collector
from stream.app import EXIT_FAULT, ArticleFlow
from stream.errors import SettingsError
from stream.settings import Settings, Step

log = logging.getLogger(__name__)

#: Seconds that running batches get to finish after a signal; then the process ends and they are repeated.
STOP_TIMEOUT_S: Final = 45.0


def run_worker(settings: Settings, steps: Sequence[Step]) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code: 0 when stopped on request, `EXIT_FAULT` otherwise.

    Raises:
        SettingsError: the web port is taken.
        BrokerError: the broker cannot be reached, or its topics are not ready.
    """
    configure_logging(settings.log_level)
    require_port(settings.web_host, settings.web_port)
    broker_admin.require(settings.broker, settings.topic_specs)
    collector.relax()
    return asyncio.run(_run(settings, steps))


def require_port(host: str, port: int) -> None:
    """Check that the web pages can be served there.

    Raises:
        SettingsError: they cannot; Faust would end in a traceback.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise SettingsError(
            f"the pages cannot be served at {host}:{port} ({reason}); set STREAM_WEB_HOST and STREAM_WEB_PORT"
        ) from None


def configure_logging(level: str) -> None:
    """One line an event on stderr. Libraries speak up from warnings on: at DEBUG they cost a tenth of the CPU."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(name)s %(message)s", force=True)
    for name in ("faust", "mode", "aiokafka", "aiohttp.access", "stream.transport"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    # kafka-python logs each attempt to connect; what it raises in the end is told in one line.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


async def _run(settings: Settings, steps: Sequence[Step]) -> int:
    flow = ArticleFlow(settings, steps=steps)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await flow.app.start()
    log.info(
        "%s on %s; http://%s:%d/metrics", " and ".join(steps), settings.broker, settings.web_host, settings.web_port
    )
    await flow.app.wait(stop.wait())
    if flow.app.crashed:
        log.critical("a service of the worker crashed: %r", flow.app.crash_reason)
        logging.shutdown()
        os._exit(EXIT_FAULT)
    log.info("stopping")
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await flow.stop()
    except TimeoutError:
        log.critical("did not stop within %.0f s; what is not committed is repeated", STOP_TIMEOUT_S)
        logging.shutdown()
        os._exit(EXIT_FAULT)
    log.info("stopped")
    return 0
