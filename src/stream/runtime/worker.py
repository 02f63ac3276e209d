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
from stream.errors import IndexFault
from stream.kafka import topic_admin
from stream.observability.log_setup import LogHandler, configure_logging
from stream.observability.metrics import Metrics
from stream.runtime import http_server
from stream.runtime.app import EXIT_FAULT, EXIT_LOG_WENT_BACK, ArticleFlow, exit_code
from stream.runtime.broker_wait import BrokerWait
from stream.runtime.data_dir_lock import lock_data_dir
from stream.runtime.http_server import StoppingStatus, WorkerPages
from stream.runtime.log_check import has_changed_logs
from stream.settings import Settings, Stage

log = logging.getLogger(__name__)

#: Seconds between two checks for repeated log lines that were left out.
_LOG_TICK_S: Final = 5.0


def run_worker(settings: Settings, steps: Sequence[Stage]) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code: 0 when stopped on request, else that of `exit_code`.

    A second signal ends the process at once, with exit code 128 plus the signal's number.

    Raises:
        SettingsError: The web port or the folder of the index is in use.
        BrokerError: The broker cannot be reached in time, it refuses, or its topics are not as they have to be.
    """
    handler = configure_logging(settings.log_level, settings.log_format)
    with contextlib.ExitStack() as stack:
        sockets = stack.enter_context(http_server.bind(settings.web_host, settings.web_port))
        if "deduplicate" in steps:
            stack.enter_context(lock_data_dir(settings.index_dir))
        return asyncio.run(_run(settings, steps, sockets, handler))


async def _run(
    settings: Settings, steps: Sequence[Stage], sockets: Sequence[socket.socket], handler: LogHandler
) -> int:
    stop = _stop_on_signals(settings.stop_timeout_s)
    fields = {"version": __version__, "steps": " ".join(steps)}
    log.info("starting", extra={**fields, "broker": settings.broker, "group": settings.group})
    ticking = asyncio.create_task(_tick(handler))
    metrics = Metrics()
    wait = BrokerWait(lambda: topic_admin.require(settings, steps), limit_s=settings.start_timeout_s)
    pages = WorkerPages(metrics.registry, wait)
    try:
        async with http_server.serve(pages, sockets):
            if not await wait.until_ready(stop):
                log.info("stopped before the start")
                return 0
            if await has_changed_logs(settings, metrics, pages, stop):
                return EXIT_LOG_WENT_BACK
            gc_tuning.tune_gc()
            return await _run_flow(ArticleFlow(settings, steps=steps, metrics=metrics), pages, stop)
    finally:
        ticking.cancel()


async def _tick(handler: LogHandler) -> None:
    while True:
        await asyncio.sleep(_LOG_TICK_S)
        handler.tick()


async def _run_flow(flow: ArticleFlow, pages: WorkerPages, stop: asyncio.Event) -> int:
    """Run ``flow`` until ``stop`` is set."""
    pages.status = flow
    if await _start(flow, stop):
        log.info("started", extra={"pages": f"http://{flow.settings.web_host}:{flow.settings.web_port}"})
        await flow.app.wait(stop.wait())
    pages.status = StoppingStatus(flow)
    if flow.app.crashed:
        flow.indexes.flush()
        abort_process(exit_code(flow.app.crash_reason), "a service of the worker crashed", flow.app.crash_reason)
    try:
        await flow.stop()
    except IndexFault as fault:
        abort_process(EXIT_FAULT, "index fault; lost data is restored from the changelog", fault)
    log.info("stopped")
    return 0


def _stop_on_signals(timeout_s: float) -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; ``timeout_s`` seconds later the process ends in any case."""
    stop = asyncio.Event()
    # A thread: services that wait for a broker that is gone swallow their cancellation, or block the loop.
    timer = threading.Timer(
        timeout_s, abort_process, (EXIT_FAULT, "not stopped in time; what is not committed will be repeated")
    )
    timer.daemon = True

    def on_signal(number: int) -> None:
        if stop.is_set():
            abort_process(128 + number, "second signal; what is not committed will be repeated")
        log.info("stopping", extra={"signal": signal.Signals(number).name, "seconds": timeout_s})
        timer.start()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    return stop


async def _start(flow: ArticleFlow, stop: asyncio.Event) -> bool:
    """Start the flow; False if ``stop`` is set before it runs."""
    starting = asyncio.create_task(flow.app.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting])
        return False
    if fault := starting.exception():
        abort_process(exit_code(fault), "the flow cannot start", fault)
    return True


def abort_process(code: int, event: str, fault: BaseException | None = None) -> None:
    """End the process at once: services that hang would keep it alive, and none of them may commit any more."""
    log.critical(event, extra={"exit_code": code}, exc_info=fault)
    logging.shutdown()
    os._exit(code)
