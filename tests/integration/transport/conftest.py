"""Fixtures: both transports behind one face, and Faust apps on them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from stream.transport.memory.transport import MemoryBroker
from tests.support.transports import Apps, Backend, KafkaBackend, MemoryBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def memory() -> Iterator[MemoryBackend]:
    """Yield a broker in memory of its own."""
    backend = MemoryBackend(f"test-{uuid.uuid4().hex[:10]}")
    yield backend
    MemoryBroker.drop(backend.prefix)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Return each broker in turn."""
    if request.param == "memory":
        memory: MemoryBackend = request.getfixturevalue("memory")
        return memory
    return KafkaBackend(f"test-{uuid.uuid4().hex[:10]}", request.getfixturevalue("kafka_broker"))


@pytest.fixture
async def backend_topic(backend: Backend) -> str:
    """Return a new topic with three partitions."""
    topic = f"{backend.prefix}-in"
    await backend.create(topic, 3)
    return topic


@pytest.fixture
async def apps(tmp_path: Path) -> AsyncIterator[Apps]:
    """Yield a maker of Faust apps."""
    made = Apps(tmp_path)
    yield made
    await made.stop_all()
