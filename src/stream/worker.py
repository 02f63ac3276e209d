"""A worker process: checks, the flow until a signal, and an exit code that a supervisor understands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence

from stream import broker_admin, collector
from stream.app import EXIT_FAULT, ArticleFlow
from stream.errors import IndexFault, SettingsError
from stream.metrics import Metrics
from stream.settings import Settings, Step
from stream.starting import Wait, held, pages

log = logging.getLogger(__name__)


def run_worker(settings: Settings, steps: Sequence[Step]) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code: 0 when stopped on request, `EXIT_FAULT` otherwise.

    A second signal ends the process at once, with 128 and the signal's number.

    Raises:
        SettingsError: the web port or the folder of the index is taken.
        BrokerError: the broker cannot be reached in time, refuses, or its topics are not as they have to be.
    """
    configure_logging(settings.log_level)
    with contextlib.ExitStack() as stack:
        if "deduplicate" in steps:
            stack.enter_context(held(settings.index_dir))
        require_port(settings.web_host, settings.web_port)
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
    stop = _stop_on_signals(settings.stop_timeout_s)
    metrics = Metrics()
    wait = Wait(lambda: broker_admin.require(settings, steps), limit_s=settings.start_timeout_s)
    async with pages(settings.web_host, settings.web_port, metrics.registry, wait):
        if not await wait.done(stop):
            log.info("stopped before the start")
            return 0
    collector.relax()
    flow = ArticleFlow(settings, steps=steps, metrics=metrics)
    if await _started(flow, stop):
        log.info(
            "%s on %s; http://%s:%d/metrics", " and ".join(steps), settings.broker, settings.web_host, settings.web_port
        )
        await flow.app.wait(stop.wait())
    if flow.app.crashed:
        _leave(EXIT_FAULT, f"a service of the worker crashed: {flow.app.crash_reason!r}")
    try:
        await flow.stop()
    except IndexFault as fault:
        _leave(EXIT_FAULT, f"{fault}; what the index lost is restored from the changelog")
    log.info("stopped")
    return 0


def _stop_on_signals(timeout_s: float) -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; so many seconds later the process ends in any case."""
    stop = asyncio.Event()
    # A thread: services that wait for a broker that is gone swallow their cancellation, or block the loop.
    reason = f"did not stop within {timeout_s:g} s; what is not committed is repeated"
    guard = threading.Timer(timeout_s, _leave, (EXIT_FAULT, reason))
    guard.daemon = True

    def on_signal(number: int) -> None:
        if stop.is_set():
            _leave(128 + number, "a second signal: leaving at once; what is not committed is repeated")
        log.info("stopping, within %g s", timeout_s)
        guard.start()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    return stop


async def _started(flow: ArticleFlow, stop: asyncio.Event) -> bool:
    """Start the flow; False if it is asked to stop before it runs."""
    starting = asyncio.create_task(flow.app.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting])
        return False
    if fault := starting.exception():
        _leave(EXIT_FAULT, f"the flow cannot start: {fault!r}")
    return True


def _leave(code: int, reason: str) -> None:
    """End the process at once: services that hang would keep it, and none of them may commit any more."""
    log.critical(reason)
    logging.shutdown()
    os._exit(code)
