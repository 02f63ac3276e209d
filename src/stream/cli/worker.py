"""``stream worker``: run the flow on a broker."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from stream.cli import exit_code
from stream.errors import StreamError
from stream.runtime.worker import run_worker
from stream.settings import STAGES, Stage, load_settings

log = logging.getLogger(__name__)


@click.command(epilog="Example: STREAM_BROKER=kafka:9092 stream worker --step deduplicate --data-dir /var/lib/stream")
@click.option("--broker", help="Kafka bootstrap servers: host:port[,host:port…].")
@click.option(
    "--step", "steps", multiple=True, type=click.Choice(STAGES), help="Step to run. Repeatable; default: both."
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of the duplicate index.")
@click.option("--web-port", type=int, help="Port of /metrics, /healthz and /readyz.")
def worker(broker: str | None, steps: tuple[Stage, ...], data_dir: Path | None, web_port: int | None) -> None:
    """Run a worker until SIGTERM or Ctrl-C.

    It waits up to 300 s (STREAM_START_TIMEOUT_S) for the broker and its topics. After a signal, running batches have
    25 s (STREAM_STOP_TIMEOUT_S) to finish and be committed, which is less than the grace period of Kubernetes (30 s). A
    second signal ends it at once.

    \b
    Exit codes:
      0    stopped on request; everything that is published is committed
      69   the broker did not answer in time or refused, or its topics are not as required
      70   a fault, or not stopped in time; the next start repeats what is not committed
      78   invalid settings, or the data folder or the web port is in use
      130  a second SIGINT (143: SIGTERM); otherwise like 70
    """  # noqa: D301 - click's mark for lines that are not wrapped
    settings = load_settings(broker=broker, data_dir=data_dir, web_port=web_port)
    if settings.is_memory:
        raise click.UsageError(
            "memory:// exists within one process only and stores nothing; use a Kafka broker, or run: stream demo"
        )
    try:
        code = run_worker(settings, steps or STAGES)
    except StreamError as error:
        if settings.log_format == "human":
            raise
        code = exit_code(error)
        log.critical("not started", extra={"reason": error, "exit_code": code})
    sys.exit(code)
