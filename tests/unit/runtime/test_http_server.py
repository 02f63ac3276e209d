"""The worker's pages: what they answer in each phase, and the port that they need."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Gauge

from stream.errors import BrokerNotReady, SettingsError
from stream.observability.progress_watch import HealthCheck
from stream.runtime import http_server
from stream.runtime.broker_wait import BrokerWait
from stream.runtime.http_server import StoppingStatus, WorkerPages, WorkerStatus

Ask = Callable[[str], Awaitable[tuple[int, str]]]


@dataclass
class Status:
    """A worker in any state."""

    is_healthy: bool = True
    is_ready: bool = True
    details: dict[str, object] = field(default_factory=dict)

    def healthy(self) -> HealthCheck:
        """See `WorkerStatus`."""
        return HealthCheck(self.is_healthy, {"partitions": 3, **self.details})

    def ready(self) -> HealthCheck:
        """See `WorkerStatus`."""
        return HealthCheck(self.is_ready, {"assigned": True, "restored": self.is_ready})


def get(url: str) -> tuple[int, str]:
    """Status and body of a page."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own page
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def ask_all(pages: WorkerPages, *paths: str) -> list[tuple[int, str]]:
    """What the pages at ``paths`` answer."""
    with http_server.bind("127.0.0.1", 0) as sockets:
        port = sockets[0].getsockname()[1]
        async with http_server.serve(pages, sockets):
            return [await asyncio.to_thread(get, f"http://127.0.0.1:{port}{path}") for path in paths]


async def statuses(status: WorkerStatus) -> list[tuple[int, dict[str, object]]]:
    """Status and JSON of /healthz and /readyz."""
    answers = await ask_all(WorkerPages(CollectorRegistry(), status), "/healthz", "/readyz")
    return [(code, json.loads(body)) for code, body in answers]


async def test_a_running_worker_answers_with_its_own_state() -> None:
    assert await statuses(Status()) == [
        (200, {"ok": True, "partitions": 3}),
        (200, {"ok": True, "assigned": True, "restored": True}),
    ]


async def test_a_stalled_worker_is_unhealthy_and_says_which_partitions() -> None:
    stalled: dict[str, object] = {"stalled_seconds": {"articles.raw/0": 130.5}}
    healthz, _ = await statuses(Status(is_healthy=False, details=stalled))
    assert healthz == (503, {"ok": False, "partitions": 3, **stalled})


async def test_a_restoring_worker_is_alive_and_not_ready() -> None:
    assert await statuses(Status(is_ready=False)) == [
        (200, {"ok": True, "partitions": 3}),
        (503, {"ok": False, "assigned": True, "restored": False}),
    ]


async def test_a_stopping_worker_is_alive_and_not_ready() -> None:
    assert await statuses(StoppingStatus(Status())) == [
        (200, {"ok": True, "partitions": 3}),
        (503, {"ok": False, "assigned": True, "restored": True, "stopping": True}),
    ]


async def test_a_worker_that_waits_for_its_broker_is_alive_and_not_ready() -> None:
    def check() -> None:
        raise BrokerNotReady("no Kafka at nowhere:9092; start it")

    stop, wait = asyncio.Event(), BrokerWait(check, limit_s=600)
    waiting = asyncio.create_task(wait.until_ready(stop))
    answers = await statuses(wait)
    stop.set()
    await waiting
    assert [code for code, _ in answers] == [200, 503]
    for (_, body), is_good in zip(answers, (True, False), strict=True):
        assert body["ok"] is is_good
        assert body["waiting_for"] in {"no answer from the broker yet", "no Kafka at nowhere:9092; start it"}
        assert isinstance(body["waited_seconds"], int)


async def test_metrics_are_those_of_the_registry() -> None:
    registry = CollectorRegistry()
    Gauge("stream_test", "A gauge of the test.", registry=registry).set(7)
    ((code, body),) = await ask_all(WorkerPages(registry, Status()), "/metrics")
    assert code == 200
    assert "stream_test 7.0\n" in body


async def test_the_index_page_links_every_page() -> None:
    ((code, body),) = await ask_all(WorkerPages(CollectorRegistry(), Status()), "/")
    assert code == 200
    for path in ("/healthz", "/readyz", "/metrics"):
        assert f'<a href="{path}">{path}</a>' in body


async def test_the_status_can_be_replaced_while_the_server_runs() -> None:
    pages = WorkerPages(CollectorRegistry(), Status(is_ready=False))
    with http_server.bind("127.0.0.1", 0) as sockets:
        url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/readyz"
        async with http_server.serve(pages, sockets):
            before, _ = await asyncio.to_thread(get, url)
            pages.status = Status()
            after, _ = await asyncio.to_thread(get, url)
    assert (before, after) == (503, 200)


def test_a_port_in_use_is_a_settings_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = rf"pages cannot be served at 127.0.0.1:{port} \(Address already in use\); set STREAM_WEB_HOST"
        with pytest.raises(SettingsError, match=message), http_server.bind("127.0.0.1", port):
            pass


def test_a_host_that_does_not_resolve_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match=r"pages cannot be served at no\.such\.host\.invalid:6066"):
        http_server.bind("no.such.host.invalid", 6066).__enter__()


def test_every_address_of_a_host_is_bound() -> None:
    families = {family for family, *_ in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    with http_server.bind("localhost", 0) as sockets:
        assert {each.family for each in sockets} == families
