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
from typing import Final

from stream import __version__, gc_tuning
from stream.errors import IndexFault, SettingsError
from stream.kafka import topic_admin
from stream.observability.log_setup import LogHandler, configure_logging
from stream.observability.metrics import Metrics
from stream.runtime.app import EXIT_FAULT, ArticleFlow
from stream.runtime.startup import Wait, held, pages
from stream.settings import Settings, Stage

log = logging.getLogger(__name__)

#: Seconds between two looks at repeats that were left out of the log.
_TICK_S: Final = 5.0


def run_worker(settings: Settings, steps: Sequence[Stage]) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code: 0 when stopped on request, `EXIT_FAULT` otherwise.

    A second signal ends the process at once, with 128 and the signal's number.

    Raises:
        SettingsError: the web port or the folder of the index is taken.
        BrokerError: the broker cannot be reached in time, refuses, or its topics are not as they have to be.
    """
    handler = configure_logging(settings.log_level, settings.log_format)
    with contextlib.ExitStack() as stack:
        if "deduplicate" in steps:
            stack.enter_context(held(settings.index_dir))
        require_port(settings.web_host, settings.web_port)
        return asyncio.run(_run(settings, steps, handler))


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


async def _run(settings: Settings, steps: Sequence[Stage], handler: LogHandler) -> int:
    stop = _stop_on_signals(settings.stop_timeout_s)
    steps_told = {"version": __version__, "steps": " ".join(steps)}
    log.info("starting", extra={**steps_told, "broker": settings.broker, "group": settings.group})
    ticking = asyncio.create_task(_tick(handler))
    try:
        return await _until_stopped(settings, steps, stop)
    finally:
        ticking.cancel()


async def _tick(handler: LogHandler) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        handler.tick()


async def _until_stopped(settings: Settings, steps: Sequence[Stage], stop: asyncio.Event) -> int:
    metrics = Metrics()
    wait = Wait(lambda: topic_admin.require(settings, steps), limit_s=settings.start_timeout_s)
    async with pages(settings.web_host, settings.web_port, metrics.registry, wait):
        if not await wait.done(stop):
            log.info("stopped before the start")
            return 0
    gc_tuning.tune_gc()
    flow = ArticleFlow(settings, steps=steps, metrics=metrics)
    if await _started(flow, stop):
        log.info("started", extra={"pages": f"http://{settings.web_host}:{settings.web_port}"})
        await flow.app.wait(stop.wait())
    if flow.app.crashed:
        _leave(EXIT_FAULT, "a service of the worker crashed", flow.app.crash_reason)
    try:
        await flow.stop()
    except IndexFault as fault:
        _leave(EXIT_FAULT, "index fault, what it lost is restored from the changelog", fault)
    log.info("stopped")
    return 0


def _stop_on_signals(timeout_s: float) -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; so many seconds later the process ends in any case."""
    stop = asyncio.Event()
    # A thread: services that wait for a broker that is gone swallow their cancellation, or block the loop.
    guard = threading.Timer(timeout_s, _leave, (EXIT_FAULT, "not stopped in time, what is not committed is repeated"))
    guard.daemon = True

    def on_signal(number: int) -> None:
        if stop.is_set():
            _leave(128 + number, "second signal, what is not committed is repeated")
        log.info("stopping", extra={"signal": signal.Signals(number).name, "seconds": timeout_s})
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
        _leave(EXIT_FAULT, "the flow cannot start", fault)
    return True


def _leave(code: int, event: str, fault: BaseException | None = None) -> None:
    """End the process at once: services that hang would keep it, and none of them may commit any more."""
    log.critical(event, extra={"exit_code": code}, exc_info=fault)
    logging.shutdown()
    os._exit(code)
