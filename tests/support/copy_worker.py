"""A worker for tests: copies PREFIX-in to PREFIX-out in small batches. Arguments: URL, PREFIX, folder."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import faust

from stream.core.contracts.records import OutputRecord
from stream.transport.record_batch import RawBytesSchema, producer_of


def main(url: str, prefix: str, folder: str) -> None:
    """Run until a signal."""
    app = faust.App(
        f"{prefix}-group",
        broker=url,
        datadir=folder,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=0.5,
        broker_rebalance_timeout=12.0,
        broker_commit_interval=0.1,
        broker_max_poll_records=20,
        broker_request_timeout=30.0,
        producer_request_timeout=30.0,
    )

    @app.agent(app.topic(f"{prefix}-in", schema=RawBytesSchema()))
    async def copy(stream: Any) -> None:
        async for batch in stream:
            await producer_of(app).produce_all([OutputRecord(f"{prefix}-out", r.key, r.value) for r in batch])
            await asyncio.sleep(0.02)
            batch.done()

    faust.Worker(app, loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:4])
