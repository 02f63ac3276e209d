"""Closes what aiokafka leaves open when the start or the stop of a client is cancelled.

Every start may be cancelled: by a rebalance, a time-out, or a worker that stops. ``AIOKafkaClient.bootstrap`` closes
its first connection after an error of Kafka's, and forgets it when it is cancelled::

    bootstrap_conn = await create_conn(...)
    try:
        metadata = await bootstrap_conn.send(MetadataRequest([]))
    except (KafkaError, asyncio.TimeoutError) as err:
        bootstrap_conn.close()

``AIOKafkaConsumer.stop`` ends early when it is cancelled, or when a fetch that it cancels was not yet running. Other
fetches go on then, and connect again::

    for x in self._pending_tasks:
        x.cancel()
        await x
"""

# ruff: noqa: SLF001 - private members are what this module is about

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any, Final

from aiokafka import client as client_module  # type: ignore[import-untyped]  # it ships no types

_bootstrap: Final = client_module.AIOKafkaClient.bootstrap
_create_conn: Final = client_module.create_conn
#: The connections that the bootstrap in this context opened.
_connections: Final[ContextVar[list[Any] | None]] = ContextVar("connections", default=None)


def close_cancelled_bootstraps() -> None:
    """Make all aiokafka clients of this process close the first connection. May be called again."""
    client_module.AIOKafkaClient.bootstrap = _bootstrap_or_close
    client_module.create_conn = _create_and_note


async def close_consumer(consumer: Any) -> None:
    """End the fetches of an ``AIOKafkaConsumer`` and close its connections, after ``stop`` has ended in any way."""
    fetcher = consumer._fetcher
    if fetcher is not None:
        tasks = {fetcher._fetch_task, *fetcher._pending_tasks}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    await consumer._client.close()


async def _create_and_note(*args: Any, **kwargs: Any) -> Any:
    connection = await _create_conn(*args, **kwargs)
    connections = _connections.get()
    if connections is not None:
        connections.append(connection)
    return connection


async def _bootstrap_or_close(client: Any) -> None:
    connections: list[Any] = []
    token = _connections.set(connections)
    try:
        await _bootstrap(client)
    except asyncio.CancelledError:
        for connection in connections:
            connection.close()
        raise
    finally:
        _connections.reset(token)
