"""Closes the first connection of an aiokafka client whose start is cancelled.

``AIOKafkaClient.bootstrap`` closes it after an error of Kafka's, and forgets it when it is cancelled::

    bootstrap_conn = await create_conn(...)
    try:
        metadata = await bootstrap_conn.send(MetadataRequest([]))
    except (KafkaError, asyncio.TimeoutError) as err:
        bootstrap_conn.close()

Every start may be cancelled: by a rebalance, a time-out, or a worker that stops.
"""

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
    """Make all aiokafka clients of this process do so. May be called again."""
    client_module.AIOKafkaClient.bootstrap = _bootstrap_or_close
    client_module.create_conn = _create_and_note


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
