"""What comes before the flow: the folder of the index is taken, and the broker is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from stream.errors import BrokerNotReady, SettingsError

log = logging.getLogger(__name__)

LOCK: Final = "worker.lock"
#: Seconds of waiting at which it is told that we wait; after the last, each minute.
_TOLD_AT_S: Final = (2.0, 30.0, 60.0)
_TOLD_EVERY_S: Final = 60.0
_PAUSE_S: Final = 0.5


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep ``folder`` to this process. The kernel lets go of it however the process ends.

    Raises:
        SettingsError: another worker has it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SettingsError(f"{folder} cannot hold the index ({error.strerror}); set STREAM_DATA_DIR") from None
    try:
        _lock(file, folder)
        yield
    finally:
        os.close(file)


def _lock(file: int, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 200, 0).decode(errors="replace").strip()
        raise SettingsError(
            f"{folder} is in use by another worker ({holder}); give each worker a STREAM_DATA_DIR of its own"
        ) from None
    except OSError as error:
        raise SettingsError(f"{folder} cannot be locked ({error.strerror}); set STREAM_DATA_DIR") from None
    os.ftruncate(file, 0)
    os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)


class Wait:
    """Waits for a broker that is not there yet, and tells so: once soon, then seldom.

    ``limit_s``: seconds after which it is a failure; 0 asks once.
    """

    def __init__(self, check: Callable[[], None], *, limit_s: float) -> None:
        self._check = check
        self._limit_s = limit_s
        self._began = 0.0
        self._reason = "no answer from the broker yet"

    @property
    def waited_s(self) -> float:
        """Seconds since it began."""
        return asyncio.get_running_loop().time() - self._began

    def state(self) -> dict[str, object]:
        """What it waits for, for the pages."""
        return {"waiting_for": self._reason, "waited_seconds": round(self.waited_s)}

    async def done(self, stop: asyncio.Event) -> bool:
        """Return True when ``check`` raises no longer, False as soon as ``stop`` is set.

        Raises:
            BrokerError: what waiting does not mend, or the limit is over.
        """
        self._began = asyncio.get_running_loop().time()
        asking = asyncio.create_task(self._ask())
        stopping = asyncio.create_task(stop.wait())
        telling = asyncio.create_task(self._tell())
        try:
            await asyncio.wait([asking, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return False
            asking.result()
            return True
        finally:
            for task in (asking, stopping, telling):
                task.cancel()

    async def _ask(self) -> None:
        while True:
            try:
                await self._once()
            except BrokerNotReady as error:
                self._reason = _brief(error)
                if self.waited_s >= self._limit_s:
                    raise self._given_up(error) from error
            else:
                return
            await asyncio.sleep(_PAUSE_S)

    async def _once(self) -> None:
        """One attempt, which ends with the limit even if the client does not notice."""
        attempt = _in_thread(self._check)
        try:
            async with asyncio.timeout(self._limit_s - self.waited_s if self._limit_s else None):
                await attempt
        except TimeoutError:
            raise BrokerNotReady(self._reason) from None

    async def _tell(self) -> None:
        for moment in _moments():
            if moment >= self._limit_s:
                return
            await asyncio.sleep(max(0.0, moment - self.waited_s))
            seconds = {"seconds": round(self.waited_s), "limit_seconds": self._limit_s}
            log.warning("waiting for the broker", extra={**seconds, "reason": self._reason, "every_s": 0})

    def _given_up(self, error: BrokerNotReady) -> BrokerNotReady:
        if not self._limit_s:
            return error
        return BrokerNotReady(f"{error}\ngave up after {self._limit_s:g} s (STREAM_START_TIMEOUT_S)")


def _moments() -> Iterator[float]:
    yield from _TOLD_AT_S
    moment = _TOLD_AT_S[-1]
    while True:
        moment += _TOLD_EVERY_S
        yield moment


def _brief(error: Exception) -> str:
    first, *others = str(error).splitlines()
    if not others:
        return first
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    return f"{first} {others[0].strip()}{more}"


def _in_thread(call: Callable[[], None]) -> asyncio.Future[None]:
    """The call in a thread that does not hold up the end of the process, as one of an executor would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def run() -> None:
        failure: Exception | None = None
        try:
            call()
        except Exception as error:  # noqa: BLE001 - raised again by whoever awaits the future
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, failure)

    threading.Thread(target=run, name="ask-broker", daemon=True).start()
    return future


@contextlib.asynccontextmanager
async def pages(host: str, port: int, registry: CollectorRegistry, wait: Wait) -> AsyncIterator[None]:
    """Serve what operators ask while the flow does not run yet: alive, not ready, and why."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, **wait.state()})

    async def readyz(_request: web.Request) -> web.Response:
        return web.json_response({"ok": False, **wait.state()}, status=503)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    routes: list[tuple[str, Any]] = [("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)]
    app.add_routes([web.get(path, handler) for path, handler in routes])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
