"""Waits until the broker and its topics are ready."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from stream.errors import BrokerNotReady
from stream.observability.progress_watch import HealthCheck

log = logging.getLogger(__name__)

#: Seconds of waiting after which a log line is written; after the last of them, one is written each minute.
LOG_AT_S: Final = (2.0, 30.0, 60.0)
_LOG_INTERVAL_S: Final = 60.0
_RETRY_PAUSE_S: Final = 0.5


class BrokerWait:
    """Repeats a check until the broker is ready; a `WorkerStatus`.

    Args:
        check: Raises `BrokerNotReady` as long as it is worth waiting, another `BrokerError` if waiting cannot help.
        limit_s: Seconds after which the wait fails; 0 checks once.
        log_at_s: See `LOG_AT_S`.
    """

    def __init__(self, check: Callable[[], None], *, limit_s: float, log_at_s: Sequence[float] = LOG_AT_S) -> None:
        self._check = check
        self._limit_s = limit_s
        self._log_at_s = log_at_s
        self._started_at: float | None = None
        self._reason = "no answer from the broker yet"

    @property
    def waited_s(self) -> float:
        """Seconds since `until_ready` was called."""
        return 0.0 if self._started_at is None else asyncio.get_running_loop().time() - self._started_at

    def healthy(self) -> HealthCheck:
        """See `WorkerStatus`: a worker that waits is alive."""
        return HealthCheck(is_good=True, details=self._details())

    def ready(self) -> HealthCheck:
        """See `WorkerStatus`: a worker that waits is not ready."""
        return HealthCheck(is_good=False, details=self._details())

    def _details(self) -> dict[str, object]:
        return {"waiting_for": self._reason, "waited_seconds": round(self.waited_s)}

    async def until_ready(self, stop: asyncio.Event) -> bool:
        """Return True when the check passes, False as soon as ``stop`` is set.

        Raises:
            BrokerError: Waiting cannot help, or the limit is over.
        """
        self._started_at = asyncio.get_running_loop().time()
        checking = asyncio.create_task(self._check_until_ready())
        stopping = asyncio.create_task(stop.wait())
        logging_ = asyncio.create_task(self._log_while_waiting())
        try:
            await asyncio.wait([checking, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not checking.done():
                return False
            checking.result()
            return True
        finally:
            for task in (checking, stopping, logging_):
                task.cancel()

    async def _check_until_ready(self) -> None:
        while True:
            try:
                await self._check_once()
            except BrokerNotReady as error:
                self._reason = _summarize(error)
                if self.waited_s >= self._limit_s:
                    raise self._add_limit(error) from error
            else:
                return
            await asyncio.sleep(_RETRY_PAUSE_S)

    async def _check_once(self) -> None:
        """Check once; ends with the limit even if the client does not return."""
        check = _run_in_thread(self._check)
        try:
            async with asyncio.timeout(self._limit_s - self.waited_s if self._limit_s else None):
                await check
        except TimeoutError:
            raise BrokerNotReady(self._reason) from None

    async def _log_while_waiting(self) -> None:
        for moment in self._log_moments():
            if moment >= self._limit_s:
                return
            await asyncio.sleep(max(0.0, moment - self.waited_s))
            seconds = {"seconds": round(self.waited_s), "limit_seconds": self._limit_s}
            log.warning("waiting for the broker", extra={**seconds, "reason": self._reason, "every_s": 0})

    def _log_moments(self) -> Iterator[float]:
        yield from self._log_at_s
        moment = self._log_at_s[-1]
        while True:
            moment += _LOG_INTERVAL_S
            yield moment

    def _add_limit(self, error: BrokerNotReady) -> BrokerNotReady:
        if not self._limit_s:
            return error
        return BrokerNotReady(f"{error}\ngave up after {self._limit_s:g} s (STREAM_START_TIMEOUT_S)")


def _summarize(error: Exception) -> str:
    """A message of several lines in one: the first two, and how many more there are."""
    first, *others = str(error).splitlines()
    if not others:
        return first
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    return f"{first} {others[0].strip()}{more}"


def _run_in_thread(call: Callable[[], None]) -> asyncio.Future[None]:
    """Run ``call`` in a daemon thread. A thread of an executor would delay the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def set_outcome(error: Exception | None) -> None:
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
            loop.call_soon_threadsafe(set_outcome, failure)

    threading.Thread(target=run, name="ask-broker", daemon=True).start()
    return future
