"""Fixtures: a site for the flow on each broker in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flow.brokers import FlowBackend, FlowKafka, FlowMemory
from flow.kit import Site


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


@pytest.fixture
async def site(backend: FlowBackend, tmp_path: Path) -> AsyncIterator[Site]:
    """Yield a site whose topics exist; its flows are stopped at the end."""
    made = Site(backend, tmp_path)
    await made.create_topics()
    yield made
    await made.stop_all()
