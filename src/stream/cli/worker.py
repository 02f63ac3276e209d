"""``stream worker``: the flow on a broker."""

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
@click.option("--broker", help="host:port[,host:port…] of Kafka.")
@click.option(
    "--step", "steps", multiple=True, type=click.Choice(STAGES), help="Run this step only; repeatable. Default: both."
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of the index.")
@click.option("--web-port", type=int, help="Port of /metrics, /healthz and /readyz.")
def worker(broker: str | None, steps: tuple[Stage, ...], data_dir: Path | None, web_port: int | None) -> None:
    """Run a worker until SIGTERM or Ctrl-C.

    It waits up to 300 s (STREAM_START_TIMEOUT_S) for the broker and its topics. After a signal, running batches get
    25 s (STREAM_STOP_TIMEOUT_S) to finish and be committed: less than the 30 s of Kubernetes' grace period. A second
    signal ends it at once.

    \b
    Exit codes:
      0    stopped on request; all that is stored is committed
      69   no broker in time, it refuses, or its topics are not as they have to be
      70   a fault, or not stopped in time; what is not committed is repeated: start it again
      78   settings; the data folder or the web port is taken
      130  a second SIGINT (143: SIGTERM); as 70
    """  # noqa: D301 - click's mark for lines that stay as they are
    settings = load_settings(broker=broker, data_dir=data_dir, web_port=web_port)
    if settings.is_memory:
        raise click.UsageError("memory:// lives in one process and keeps nothing; use a Kafka broker, or: stream demo")
    try:
        code = run_worker(settings, steps or STAGES)
    except StreamError as error:
        if settings.log_format == "human":
            raise
        code = exit_code(error)
        log.critical("not started", extra={"reason": error, "exit_code": code})
    sys.exit(code)
