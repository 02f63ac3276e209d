"""Write the alerts, alerts.yml: ``python deploy/prometheus/rules.py``; all thresholds stand here.

``--check`` writes nothing; exit code 1 tells that the file is stale. ``--faster 20 -o FILE`` writes them with all
durations and all thresholds in seconds divided by 20, to see them fire within minutes.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml

ALERTS: Final = Path(__file__).resolve().with_name("alerts.yml")
RUNBOOK: Final = "docs/operations/runbook.md"
JOB: Final = "article-stream"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
#: However fast the clock: workers ask every 10 s, and give an answer 20 s.
_ANSWERED_S: Final = 45
_HEADER: Final = "# Made by deploy/prometheus/rules.py, where the thresholds stand. Tests: deploy/prometheus/tests/.\n"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. ``wait``: how long its condition has to hold. ``todo``: what it means and what to do first."""

    name: str
    severity: Literal["page", "ticket"]
    wait: str
    expr: str
    summary: str
    todo: str


class Clock:
    """Durations and seconds, divided by ``faster``."""

    def __init__(self, faster: float) -> None:
        self._faster = faster

    def lasts(self, duration: str) -> str:
        """A Prometheus duration such as ``5m``, of one unit."""
        if self._faster == 1:
            return duration
        milliseconds = round(int(duration[:-1]) * _UNITS[duration[-1]] * 1000 / self._faster)
        return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"

    def seconds(self, seconds: float) -> str:
        """A threshold in seconds."""
        return f"{seconds / self._faster:g}"


class Rules:
    """The alerts of the job ``job``.

    Every expression has the label ``job``, so that one condition can silence others: one cause, one page.
    """

    def __init__(self, *, job: str = JOB, faster: float = 1) -> None:
        clock = Clock(faster)
        self._for, self._s = clock.lasts, clock.seconds
        self._job = f'job="{job}"'
        checked = f"stream_consumer_lag_checked_timestamp_seconds{{{self._job}}}"
        # What the broker has not told for five minutes is not known: BrokerNotAnswering tells that, and nothing else.
        self._known_s = f"{max(300 / faster, _ANSWERED_S):g}"
        self._fresh = f"and on (job, instance) (time() - {checked} < {self._known_s})"
        self._restoring = f"max by (job, partition) (stream_restore_progress_ratio{{{self._job}}}) < 1"
        self._checked = checked

    def all(self) -> list[Alert]:
        """Every alert: first those that wake somebody."""
        return [*self._pages(), *self._tickets_flow(), *self._tickets_state()]

    def _lag(self, unit: str) -> str:
        """The group's lag by partition, from workers whom the broker answers."""
        return f"max by (job, topic, partition) (stream_consumer_lag_{unit}{{{self._job}}} {self._fresh})"

    def _staying(self, seconds: float) -> str:
        """A lag of more than ``seconds`` that will not be gone within an hour."""
        future = f"predict_linear(stream_consumer_lag_seconds{{{self._job}}}[{self._for('15m')}], {self._s(3600)})"
        return (
            f"{self._lag('seconds')} > {self._s(seconds)}\n"
            f"and on (job, topic, partition) (max by (job, topic, partition) ({future}) > 0)"
        )

    def _unless_firing(self, *names: str) -> str:
        return f'unless on (job) ALERTS{{alertname=~"{"|".join(names)}", alertstate="firing", {self._job}}}'

    def _rejected_share(self, window: str, offset: str = "") -> str:
        """Dead letters among what came out of the normalize step, and what was rejected."""
        ago = f"[{self._for(window)}]" + (f" offset {self._for(offset)}" if offset else "")
        rejected = f"sum by (job) (rate(stream_events_rejected_total{{{self._job}}}{ago}))"
        passed = f"sum by (job) (rate(stream_events_normalized_total{{{self._job}}}{ago}))"
        return f"({rejected} / ({rejected} + {passed}))"

    def _arrived(self, function: str, window: str, offset: str = "") -> str:
        ago = f"[{self._for(window)}]" + (f" offset {self._for(offset)}" if offset else "")
        return f'sum by (job) ({function}(stream_records_consumed_total{{{self._job}, step="normalize"}}{ago}))'

    def _free_share(self) -> str:
        return f"stream_data_dir_free_bytes{{{self._job}}} / stream_data_dir_total_bytes{{{self._job}}}"

    def _full_within(self, seconds: float, *, window: str, least: str) -> str:
        """The disk is full within ``seconds``, if it goes on as in the last ``window``, of which ``least`` is known."""
        free = f"stream_data_dir_free_bytes{{{self._job}}}"
        ahead = f"predict_linear({free}[{self._for(window)}], {self._s(seconds)})"
        return f"{ahead} < 0 and {free} offset {self._for(least)}"

    def _pages(self) -> list[Alert]:
        told = f"max_over_time(stream_last_progress_timestamp_seconds{{{self._job}}}[{self._for('5m')}])"
        progress = f"max by (job, topic, partition) ({told})"  # of a worker that has just gone, too
        return [
            Alert(
                "AllWorkersDown",
                "page",
                "3m",
                f"sum by (job) (up{{{self._job}}}) == 0 or absent(up{{{self._job}}})",
                "No worker answers; nothing is processed.",
                "Look why they ended: the last lines of their logs and their exit codes. `stream doctor` on a worker's "
                "machine checks all that they need.",
            ),
            Alert(
                "BrokerNotAnswering",
                "page",
                "3m",
                f"time() - max by (job) ({self._checked}) > {self._known_s}\n"
                f"or (max by (job) (max_over_time(up{{{self._job}}}[{self._for('2m')}])) == 1"
                f" unless on (job) max by (job) ({self._checked}))",
                "Kafka does not answer any worker; nothing moves, and the lag is not known.",
                "See whether the brokers run and can be reached from the workers: `stream doctor` names what fails.",
            ),
            Alert(
                "NoProgress",
                "page",
                "3m",
                f"count by (job) (\n{self._lag('records')} > 0\n"
                f"unless on (job, topic, partition) (time() - {progress} < {self._s(300)})\n"
                f"unless on (job, partition) ({self._restoring})\n)",
                "{{ $value }} partitions have a lag, and nothing of them was finished for five minutes.",
                "See in *flow*, Partitions and who has them, whether they have a worker. Read that worker's log and "
                "restart it; what is not committed is repeated.",
            ),
            Alert(
                "ConsumerLagHigh",
                "page",
                "5m",
                f"max by (job) (\n{self._staying(900)}\nunless on (job, partition) ({self._restoring})\n"
                f"or {self._staying(7200)}\n)\n" + self._unless_firing("NoProgress", "RestoreStuck"),
                "Articles wait for {{ $value | humanizeDuration }}, and it will not be better within an hour.",
                "See in *flow* whether more comes in than usual, or batches take longer. Add workers, up to the number "
                "of partitions.",
            ),
            Alert(
                "RestoreStuck",
                "page",
                "5m",
                f"count by (job) (\nstream_restore_progress_ratio{{{self._job}}} < 1\n"
                f"and changes(stream_restore_remaining_records{{{self._job}}}[{self._for('5m')}]) == 0\n"
                # One that waits for others of its worker gets on with them.
                "unless on (job, instance) "
                f"(rate(stream_records_restored_total{{{self._job}}}[{self._for('5m')}]) > 0)\n)\n"
                + self._unless_firing("BrokerNotAnswering"),
                "The restore of {{ $value }} indexes does not get on; their partitions stand still.",
                "Read the worker's log, check its disk, and restart it: a restore goes on where it was.",
            ),
            Alert(
                "DataDiskAlmostFull",
                "page",
                "15m",
                f"min by (job) (\n{self._free_share()} < 0.1\n"
                f"and {self._full_within(4 * 3600, window='1h', least='30m')}\n"
                f"or {self._free_share()} < 0.02\n)",
                "{{ $value | humanizePercentage }} of a data disk is free; it will be full within four hours.",
                "A full disk ends the worker, and the next one that takes its partitions may follow. Enlarge the disk.",
            ),
        ]

    def _tickets_flow(self) -> list[Alert]:
        return [
            Alert(
                "ConsumerLagGrowing",
                "ticket",
                "10m",
                f"max by (job) (\n{self._staying(300)}\nunless on (job, partition) ({self._restoring})\n)\n"
                + self._unless_firing("NoProgress", "ConsumerLagHigh", "RestoreStuck"),
                "Articles wait for {{ $value | humanizeDuration }}, and the lag is not going down.",
                "See in *flow* whether more comes in than usual, or batches take longer.",
            ),
            Alert(
                "NothingConsumed",
                "ticket",
                "5m",
                f"{self._arrived('increase', '15m')} == 0\n"
                f"and on (job) ({self._arrived('rate', '6h', '15m')} > {1 / 60:.4f})\n"
                f"and on (job) (max by (job) ({self._lag('records')}) == 0)\n"
                f"unless on (job) ({self._arrived('increase', '15m', '1d')} == 0)",
                "Nothing has come in for a quarter of an hour; before, more than one record a minute did.",
                "The workers are well and have no lag: ask those who run the scrapers. Not told where yesterday was as "
                "quiet at this time.",
            ),
            Alert(
                "RejectsHigh",
                "ticket",
                "10m",
                f"{self._rejected_share('15m')} > 0.02\n"
                f"and on (job) (sum by (job) (increase(stream_events_rejected_total{{{self._job}}}"
                f"[{self._for('15m')}])) > 10)\n"
                f"unless on (job) ({self._rejected_share('15m')} < 3 * {self._rejected_share('1d', '1h')})",
                "{{ $value | humanizePercentage }} of what arrives is rejected, more than three times the day's usual.",
                "`stream deadletters list --summary --since 1h` tells why, and *content* since when. Nothing is lost: "
                "letters can be put back.",
            ),
            Alert(
                "LatencyHigh",
                "ticket",
                "15m",
                "histogram_quantile(0.95, sum by (job, le) (rate("
                f'stream_event_latency_seconds_bucket{{{self._job}, since="broker"}}[{self._for("10m")}])))'
                f" > {self._s(300)}\nunless on (job) (max by (job) ({self._lag('seconds')}) > {self._s(60)})",
                "From the raw topic to the verdict, 5 of 100 articles take over {{ $value | humanizeDuration }}, "
                "without a lag.",
                "A producer sends records with old timestamps (a backfill, a mirror), or a clock is wrong.",
            ),
        ]

    def _tickets_state(self) -> list[Alert]:
        return [
            Alert(
                "WorkerDown",
                "ticket",
                "5m",
                f"up{{{self._job}}} == 0 and on (job) (sum by (job) (up{{{self._job}}}) > 0)",
                "{{ $labels.instance }} does not answer; others have its partitions.",
                "Look why it ended and start it again.",
            ),
            Alert(
                "WorkerRestarting",
                "ticket",
                "0m",
                f"changes(process_start_time_seconds{{{self._job}}}[{self._for('30m')}]) >= 3",
                "{{ $labels.instance }} was started {{ $value }} times within half an hour.",
                "Read the log before the last start: a fault (70), the broker (69) or settings (78).",
            ),
            Alert(
                "WorkerNotReady",
                "ticket",
                "30m",
                f"stream_ready{{{self._job}}} == 0\n" + self._unless_firing("BrokerNotAnswering", "RestoreStuck"),
                "{{ $labels.instance }} has not been ready for half an hour.",
                "It waits for the broker, for its group, or restores an index: /readyz and its log tell which.",
            ),
            Alert(
                "WindowLongerThanChangelog",
                "ticket",
                "15m",
                f"max by (job) (stream_window_seconds{{{self._job}}})"
                f" > min by (job) (stream_changelog_retention_seconds{{{self._job}}})",
                "The duplicate window is longer than the changelog is kept: a restore would miss articles.",
                "`stream topics --check` shows what differs, `stream topics --update` sets the retention.",
            ),
            Alert(
                "DataDiskFilling",
                "ticket",
                "30m",
                f"{self._free_share()} < 0.4\nand {self._full_within(24 * 3600, window='6h', least='3h')}\n"
                + self._unless_firing("DataDiskAlmostFull"),
                "{{ $value | humanizePercentage }} of the data disk of {{ $labels.instance }} is free; it will be full "
                "within a day.",
                "See in *state* what grows: the index, which levels off with a full window, or something else.",
            ),
        ]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


def text(*, faster: float = 1, job: str = JOB, runbook: str = RUNBOOK) -> str:
    """The file of the alerts."""
    rules: list[dict[str, Any]] = [
        {
            "alert": alert.name,
            "expr": _indented(alert.expr),
            "for": Clock(faster).lasts(alert.wait),
            "labels": {"severity": alert.severity},
            "annotations": {
                "summary": alert.summary,
                "description": alert.todo,
                "runbook_url": f"{runbook}#{alert.name.lower()}",
            },
        }
        for alert in Rules(job=job, faster=faster).all()
    ]
    group = {"name": "article-stream", "interval": Clock(faster).lasts("30s"), "rules": rules}
    return _HEADER + yaml.dump({"groups": [group]}, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def _indented(expr: str) -> str:
    """``expr`` with the lines between ``(`` at a line's end and ``)`` at a line's beginning indented."""
    lines, indent = [], ""
    for line in expr.split("\n"):
        indent = "" if line.startswith(")") else indent
        lines.append(indent + line)
        indent = "  " if line.endswith("(") else indent
    return "\n".join(lines)


def main() -> None:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=ALERTS, help="the file to write (%(default)s)")
    parser.add_argument("--faster", type=float, default=1, metavar="FACTOR", help="divide all times by it")
    parser.add_argument("--job", default=JOB, help="the job label of the workers (%(default)s)")
    parser.add_argument("--runbook-url", default=RUNBOOK, help="where your team reads the run book (%(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the file is stale")
    given = parser.parse_args()
    if given.faster <= 0:
        parser.error("--faster has to be more than 0")
    made = text(faster=given.faster, job=given.job, runbook=given.runbook_url)
    if not given.check:
        given.output.write_text(made, encoding="utf-8")
    elif not given.output.is_file() or given.output.read_text(encoding="utf-8") != made:
        sys.exit(f"{given.output}: not what the code makes; run: python deploy/prometheus/rules.py")


if __name__ == "__main__":
    main()
