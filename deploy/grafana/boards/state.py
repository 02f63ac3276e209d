"""State: indexes and restores, disk, memory, the process."""

from __future__ import annotations

from typing import Final

from boards.panels import BLUE, GREEN, RED, YELLOW, Panel, Rows, figure, lines

ABOUT: Final = "For who runs the machines: index, restore, window, disk, memory, processes, versions."
_FREE: Final = "stream_data_dir_free_bytes{} / stream_data_dir_total_bytes{}"


def rows() -> Rows:
    """The panels, by row."""
    return [("", [*_first(), *_index()]), ("Restore and window", _restore()), ("Disk and process", _process())]


def _first() -> list[Panel]:
    return [
        figure(
            "Version",
            "none",
            "Versions that run, and how many workers run each. More than one: an upgrade is on its way, or stuck.",
            ("count by (version) (stream_build_info{})", "{{version}}"),
            w=4,
            names=True,
            runbook="rolling-upgrade",
        ),
        figure(
            "Articles known",
            "short",
            "Articles in all indexes.",
            ("sum(max by (partition) (stream_index_documents{}))", "articles"),
            w=4,
            runbook="rebuild-an-index",
        ),
        figure(
            "Restore",
            "percentunit",
            "The index that is least restored. 100 %: all are.",
            ("min(max by (partition) (stream_restore_progress_ratio{}))", "restored"),
            w=4,
            steps=((0, YELLOW), (1, GREEN)),
            runbook="restorestuck",
        ),
        figure(
            "Least disk free",
            "percentunit",
            "Of the data folder with the least.",
            (f"min({_FREE})", "free"),
            w=4,
            steps=((0, RED), (0.1, YELLOW), (0.2, GREEN)),
            decimals=0,
            runbook="datadiskfilling",
        ),
        figure(
            "Window",
            "s",
            "How far back duplicates are found.",
            ("max(stream_window_seconds{})", "window"),
            w=4,
            runbook="change-the-window",
        ),
        figure(
            "Changelog keeps beyond the window",
            "s",
            "Retention of the changelog less the window. Negative: a restore misses articles that are in the window. "
            "No data: the worker may not read the topic's configuration.",
            ("min(stream_changelog_retention_seconds{}) - max(stream_window_seconds{})", "spare"),
            w=4,
            steps=((-(10**12), RED), (0, GREEN)),
            runbook="windowlongerthanchangelog",
        ),
    ]


def _index() -> list[Panel]:
    return [
        lines(
            "Articles in the index",
            "short",
            "Of each partition. It levels off once the window is full.",
            ("max by (partition) (stream_index_documents{})", "partition {{partition}}"),
            stacked=True,
            runbook="rebuild-an-index",
        ),
        lines(
            "Index size",
            "bytes",
            "On disk, of each partition. It goes down in steps, when a generation of articles leaves the window.",
            ("max by (partition) (stream_index_size_bytes{})", "partition {{partition}}"),
            stacked=True,
            runbook="datadiskfilling",
        ),
        lines(
            "Index memory",
            "bytes",
            "What RocksDB holds, by kind, of all partitions of a worker: block cache, filters and block indexes "
            "(tables), and what is not written yet (memtables).",
            ("sum by (instance, kind) (stream_index_memory_bytes{})", "{{instance}} {{kind}}"),
            stacked=True,
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "Oldest article against the window",
            "s",
            "Age of about the oldest article that is still found. Below the window: the index is young, or was "
            "restored from a changelog that begins later.",
            (
                "time() - min by (partition) (stream_index_oldest_timestamp_seconds{} > 0)",
                "partition {{partition}}",
            ),
            ("max(stream_window_seconds{})", "window"),
            runbook="change-the-window",
        ),
        lines(
            "Process memory",
            "bytes",
            "Resident memory of each worker.",
            ("process_resident_memory_bytes{}", "{{instance}}"),
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "CPU",
            "percentunit",
            "Of one core. A worker uses hardly more than one: at 100 % it is as fast as it gets, add another.",
            ("rate(process_cpu_seconds_total{}[$__rate_interval])", "{{instance}}"),
            limits=((0.9, YELLOW),),
            runbook="add-workers-or-partitions",
        ),
    ]


def _restore() -> list[Panel]:
    return [
        lines(
            "Restore progress",
            "percentunit",
            "How much of the changelog each index has taken over; 100 % when restored.",
            ("max by (partition) (stream_restore_progress_ratio{})", "partition {{partition}}"),
            high=1,
            runbook="restorestuck",
        ),
        lines(
            "Left to restore",
            "short",
            "Changelog records to go.",
            ("max by (partition) (stream_restore_remaining_records{})", "partition {{partition}}"),
            runbook="restorestuck",
        ),
        lines(
            "Restored",
            "cps",
            "Changelog records taken over, a second. Nothing while something is left: it is stuck.",
            ("sum by (instance) (rate(stream_records_restored_total{}[$__rate_interval]))", "{{instance}}"),
            runbook="restore-from-nothing",
        ),
        lines(
            "Window and retention",
            "s",
            "The changelog has to be kept for longer than the window: what it has lost, no restore brings back.",
            ("max(stream_window_seconds{})", "window"),
            ("min(stream_changelog_retention_seconds{}) < +Inf", "changelog retention"),
            w=24,
            h=6,
            runbook="windowlongerthanchangelog",
        ),
    ]


def _process() -> list[Panel]:
    return [
        lines(
            "Disk free",
            "bytes",
            "Free on the disk of each data folder, and in a day if it goes on as in the last six hours.",
            ("stream_data_dir_free_bytes{}", "{{instance}}"),
            ("predict_linear(stream_data_dir_free_bytes{}[6h], 86400)", "{{instance}}, in a day"),
            low=None,
            limits=((0, RED),),
            runbook="datadiskfilling",
        ),
        lines(
            "Share of the disk free",
            "percentunit",
            "Of the disk of each data folder.",
            (_FREE, "{{instance}}"),
            high=1,
            runbook="datadiskalmostfull",
        ),
        lines(
            "Open files",
            "percentunit",
            "Of what the process may open. RocksDB opens many files: raise the limit at 80 %.",
            ("process_open_fds{} / process_max_fds{}", "{{instance}}"),
            limits=((0.8, RED),),
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "Garbage collections",
            "cps",
            "Of Python's collector, by generation. Many of generation 2: memory is short.",
            (
                "sum by (instance, generation) (rate(python_gc_collections_total{}[$__rate_interval]))",
                "{{instance}} {{generation}}",
            ),
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "Objects collected",
            "cps",
            "What the collector freed, and what it could not free.",
            ("sum by (instance) (rate(python_gc_objects_collected_total{}[$__rate_interval]))", "{{instance}}"),
            (
                "sum by (instance) (rate(python_gc_objects_uncollectable_total{}[$__rate_interval]))",
                "{{instance}}, not freed",
            ),
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "Uptime",
            "s",
            "Since each worker started.",
            ("time() - process_start_time_seconds{}", "{{instance}}"),
            runbook="workerrestarting",
        ),
        figure(
            "Python",
            "none",
            "Versions of Python that run.",
            ("count by (version) (python_info{})", "{{version}}"),
            w=8,
            h=6,
            names=True,
            steps=((0, BLUE),),
            runbook="rolling-upgrade",
        ),
        lines(
            "Virtual memory",
            "bytes",
            "Address space of each worker; much larger than what is used, and no fault as such.",
            ("process_virtual_memory_bytes{}", "{{instance}}"),
            w=16,
            h=6,
            runbook="memory-or-open-files-are-short",
        ),
    ]
