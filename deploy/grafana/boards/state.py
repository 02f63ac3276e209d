"""The state dashboard: indexes, restores, disk, memory and processes."""

from __future__ import annotations

from typing import Final

from boards.panels import BLUE, GREEN, PER_SECOND, RED, YELLOW, Panel, Rows, lines, single_value

ABOUT: Final = "For whoever runs the machines: index, restore, window, disk, memory, processes, versions."
_FREE: Final = "stream_data_dir_free_bytes{} / stream_data_dir_total_bytes{}"


def rows() -> Rows:
    """The panels, by row."""
    return [("", [*_summary(), *_index()]), ("Restore and window", _restore()), ("Disk and process", _process())]


def _summary() -> list[Panel]:
    return [
        single_value(
            "Version",
            "none",
            "The versions that are running. More than one: an upgrade is in progress, or stuck.",
            ("count by (version) (stream_build_info{})", "{{version}}"),
            w=4,
            show_legend=True,
            runbook="rolling-upgrade",
        ),
        single_value(
            "Indexed articles",
            "short",
            "Articles in all indexes.",
            ("sum(max by (partition) (stream_index_documents{}))", "articles"),
            w=4,
            runbook="rebuild-an-index",
        ),
        single_value(
            "Restore progress",
            "percentunit",
            "Progress of the index that is furthest behind. 100 %: all are restored.",
            ("min(max by (partition) (stream_restore_progress_ratio{}))", "restored"),
            w=3,
            steps=((0, YELLOW), (1, GREEN)),
            runbook="restorestuck",
        ),
        single_value(
            "Least free disk space",
            "percentunit",
            "Share of the fullest data disk that is free.",
            (f"min({_FREE})", "free"),
            w=3,
            steps=((0, RED), (0.1, YELLOW), (0.2, GREEN)),
            decimals=0,
            runbook="datadiskfilling",
        ),
        single_value(
            "Duplicate window",
            "s",
            "How far back duplicates are found.",
            ("max(stream_window_seconds{})", "window"),
            w=3,
            runbook="change-the-window",
        ),
        single_value(
            "Retention beyond window",
            "s",
            "Retention of the changelog minus the duplicate window. Negative: a restore would miss articles. "
            "No data: the workers are not allowed to read the topic's configuration.",
            ("min(stream_changelog_retention_seconds{}) - max(stream_window_seconds{})", "spare"),
            w=3,
            steps=((-(10**12), RED), (0, GREEN)),
            runbook="windowlongerthanchangelog",
        ),
        single_value(
            "Logs that went back",
            "none",
            "Logs that are not those that were read: their topic was created again, or they have lost their end.",
            ("sum(max by (topic, partition) (max_over_time(stream_log_changed{}[15m]))) or vector(0)", "logs"),
            w=4,
            steps=((0, GREEN), (1, RED)),
            runbook="logwentback",
        ),
    ]


def _index() -> list[Panel]:
    return [
        lines(
            "Indexed articles by partition",
            "short",
            "Articles in the index of each partition. It stops growing once the window is full.",
            ("max by (partition) (stream_index_documents{})", "partition {{partition}}"),
            stacked=True,
            runbook="rebuild-an-index",
        ),
        lines(
            "Index size",
            "bytes",
            "Size on disk of each partition's index. It shrinks in steps, when old articles leave the window.",
            ("max by (partition) (stream_index_size_bytes{})", "partition {{partition}}"),
            stacked=True,
            runbook="datadiskfilling",
        ),
        lines(
            "Index memory",
            "bytes",
            "Memory of RocksDB by kind, for all partitions of a worker: block cache, filters and block indexes "
            "(tables), and unwritten data (memtables).",
            ("sum by (instance, kind) (stream_index_memory_bytes{})", "{{instance}} {{kind}}"),
            stacked=True,
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "Oldest article and window",
            "s",
            "Approximate age of the oldest indexed article. If it is below the window, the index is young or was "
            "restored from a changelog that starts later.",
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
            "Share of one core. A worker hardly uses more than one core: at 100 %, add another worker.",
            ("rate(process_cpu_seconds_total{}[$__rate_interval])", "{{instance}}"),
            thresholds=((0.9, YELLOW),),
            runbook="add-workers-or-partitions",
        ),
    ]


def _restore() -> list[Panel]:
    return [
        lines(
            "Restore progress by partition",
            "percentunit",
            "Share of the changelog that each index has read; 100 % when restored.",
            ("max by (partition) (stream_restore_progress_ratio{})", "partition {{partition}}"),
            high=1,
            runbook="restorestuck",
        ),
        lines(
            "Records left to restore",
            "short",
            "Changelog records that each index has still to read.",
            ("max by (partition) (stream_restore_remaining_records{})", "partition {{partition}}"),
            runbook="restorestuck",
        ),
        lines(
            "Records restored",
            PER_SECOND,
            "Changelog records read per second. Zero while records are left means that the restore is stuck.",
            ("sum by (instance) (rate(stream_records_restored_total{}[$__rate_interval]))", "{{instance}}"),
            runbook="restore-from-nothing",
        ),
        lines(
            "Window and retention",
            "s",
            "The changelog's retention must be longer than the window: a restore needs the records of the window.",
            ("max(stream_window_seconds{})", "window"),
            ("min(stream_changelog_retention_seconds{}) < +Inf", "changelog retention"),
            w=12,
            runbook="windowlongerthanchangelog",
        ),
        lines(
            "Changelog records skipped",
            "short",
            "Records that an index could not apply. The alert names the partition, and the log the records.",
            ("sum(increase(stream_changelog_records_skipped_total{}[$__rate_interval])) or vector(0)", "records"),
            w=12,
            runbook="changelogrecordsskipped",
        ),
    ]


def _process() -> list[Panel]:
    return [
        lines(
            "Free disk space",
            "bytes",
            "Free space on each data disk, now and in a day if the trend of the last six hours continues.",
            ("stream_data_dir_free_bytes{}", "{{instance}}"),
            ("predict_linear(stream_data_dir_free_bytes{}[6h], 86400)", "{{instance}}, in a day"),
            low=None,
            thresholds=((0, RED),),
            runbook="datadiskfilling",
        ),
        lines(
            "Free disk share",
            "percentunit",
            "Share of each data disk that is free.",
            (_FREE, "{{instance}}"),
            high=1,
            runbook="datadiskalmostfull",
        ),
        lines(
            "Open files",
            "percentunit",
            "Share of the process's limit of open files. RocksDB opens many files: raise the limit at 80 %.",
            ("process_open_fds{} / process_max_fds{}", "{{instance}}"),
            thresholds=((0.8, RED),),
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "Garbage collections",
            PER_SECOND,
            "Runs of Python's garbage collector, by generation. Many of generation 2 mean that memory is short.",
            (
                "sum by (instance, generation) (rate(python_gc_collections_total{}[$__rate_interval]))",
                "{{instance}} {{generation}}",
            ),
            runbook="memory-or-open-files-are-short",
        ),
        lines(
            "Objects collected",
            PER_SECOND,
            "Objects per second that the garbage collector freed, and that it could not free.",
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
            "Time since each worker started.",
            ("time() - process_start_time_seconds{}", "{{instance}}"),
            runbook="workerrestarting",
        ),
        single_value(
            "Python version",
            "none",
            "The versions of Python that are running.",
            ("count by (version) (python_info{})", "{{version}}"),
            w=8,
            h=6,
            show_legend=True,
            steps=((0, BLUE),),
            runbook="rolling-upgrade",
        ),
        lines(
            "Virtual memory",
            "bytes",
            "Address space of each worker. It is much larger than the memory in use, which is normal.",
            ("process_virtual_memory_bytes{}", "{{instance}}"),
            w=16,
            h=6,
            runbook="memory-or-open-files-are-short",
        ),
    ]
