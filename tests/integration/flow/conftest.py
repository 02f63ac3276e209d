"""Fixtures: a site for the flow on each broker in turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from faust.tables.manager import TableManager

from tests.support.flow import Site
from tests.support.flow_brokers import FlowBackend, FlowKafka, FlowMemory


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def backend(request: pytest.FixtureRequest, topic_prefix: str) -> AsyncIterator[FlowBackend]:
    """Yield each broker in turn, with a prefix of the test's own."""
    prefix = topic_prefix.rstrip("-")
    if request.param == "memory":
        made: FlowBackend = FlowMemory(prefix)
    else:
        made = FlowKafka(prefix, request.getfixturevalue("kafka_broker"))
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def _no_pause_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each start the second for which Faust waits for tables to be declared; there are none."""

    async def sleep(_manager: TableManager, _seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(TableManager, "sleep", sleep)


@pytest.fixture
async def bare_site(backend: FlowBackend, tmp_path: Path) -> AsyncIterator[Site]:
    """Yield a site whose topics are yet to be made; its flows are stopped at the end."""
    made = Site(backend, tmp_path)
    yield made
    await made.stop_all()


@pytest.fixture
async def site(bare_site: Site) -> Site:
    """Return a site whose topics exist."""
    await bare_site.create_topics()
    return bare_site
