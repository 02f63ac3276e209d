"""Checks of this host and the settings: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from stream.core.timestamps import HOUR_MS
from stream.doctor.facts import DataDir, HostFacts, IndexFolder, Offsets, SettingSources, TopicFacts, Unknown
from stream.doctor.findings import Finding, fail, format_count, format_size, join_names, ok, skip, warn
from stream.settings import MIB, Settings

_PYTHON: Final = ((3, 11), (3, 13))
#: Measured: the size of an article in the index, with all its anchors.
ARTICLE_BYTES: Final = 1500
_FREE_BYTES: Final = 1024 * MIB
#: A shorter history of the changelog does not allow an estimate for the window.
_HISTORY_MS: Final = HOUR_MS
# Open files: connections, libraries and logs; for each partition; and RocksDB's own, mostly of this size.
_FILES, _FILES_PER_PARTITION, _FILE_BYTES = 256, 32, 64 * MIB


def check_settings(sources: SettingSources) -> Finding:
    """Report where the settings, which are valid, come from."""
    figures = {"file": sources.file, "variables": list(sources.variables)}
    summary = f"from {sources.file}" if sources.file else "defaults"
    if sources.variables:
        summary += f" and {join_names(sources.variables)}"
    return ok("settings", summary, **figures)


def check_python(version: tuple[int, int, int]) -> Finding:
    """Check the version of the interpreter."""
    text = ".".join(map(str, version))
    first, last = _PYTHON
    if not first <= version[:2] <= last:
        return fail("python", f"Python {text} is not supported", "use Python 3.11, 3.12 or 3.13", version=text)
    return ok("python", text, version=text)


def check_host(settings: Settings, facts: HostFacts, topics: Mapping[str, TopicFacts]) -> Iterator[Finding]:
    """Check open files, data folder, disk, indexes and web port."""
    needed = estimate_index_bytes(settings, topics)
    yield _check_open_files(settings, facts.files_max, needed or 0)
    if settings.is_memory:
        for check in ("data folder", "disk", "index"):
            yield skip(check, "with memory:// the index is in memory")
    else:
        yield _check_data_dir(facts.data_dir)
        yield _check_disk(facts.data_dir, needed)
        yield from _check_indexes(settings, facts.data_dir.folders)
    yield _check_web_port(settings, facts)


def estimate_index_bytes(settings: Settings, topics: Mapping[str, TopicFacts]) -> int | None:
    """Estimate the size of all indexes for a full window from the growth of the changelog; None if unknown.

    A history shorter than the window, but of an hour or more, is extrapolated.
    """
    topic = topics.get(settings.topics.fingerprints)
    if topic is None or isinstance(topic.offsets, Unknown):
        return None
    articles = sum(_estimate_articles(offsets, settings.window_ms) for offsets in topic.offsets.values())
    return round(articles * ARTICLE_BYTES) or None


def _estimate_articles(offsets: Offsets, window_ms: int) -> float:
    recent = offsets.end - offsets.window_ago
    if offsets.age_ms is None or offsets.age_ms < _HISTORY_MS:
        return recent
    return recent * max(1.0, window_ms / offsets.age_ms)


def _check_open_files(settings: Settings, files_max: int | None, index_bytes: int) -> Finding:
    needed = _FILES + _FILES_PER_PARTITION * settings.scope_partitions + index_bytes // _FILE_BYTES
    limit = "no limit" if files_max is None else f"limit {files_max:,}"
    summary, figures = f"{limit}, about {needed:,} are needed", {"limit": files_max, "needed": needed}
    if files_max is None or files_max >= needed * 3 // 2:
        return ok("open files", summary, **figures)
    advice = f"ulimit -n {4 * needed}, LimitNOFILE={4 * needed} in systemd, or --ulimit nofile in Docker"
    return (fail if files_max < needed else warn)("open files", summary, advice, **figures)


def _check_data_dir(data: DataDir) -> Finding:
    owner = data.owner
    is_in_use = owner is not None and owner.is_running is True
    locked_by = owner.process if owner is not None and is_in_use else None
    figures = {"path": data.path, "exists": data.exists, "locked_by": locked_by}
    if not data.is_writable:
        summary = f"{data.path}: this user has no permission to write to {data.nearest}"
        return fail("data folder", summary, "change its owner, or set STREAM_DATA_DIR", **figures)
    summary = f"{data.path} {'is writable' if data.exists else 'can be created'}"
    if owner is not None and is_in_use:
        summary += f"; in use by process {owner.process}"
    elif owner is not None and owner.is_running is None:
        summary += f"; last used by process {owner.process} on {owner.host}"
    return ok("data folder", summary, **figures)


def _check_disk(data: DataDir, needed: int | None) -> Finding:
    present = sum(folder.size for folder in data.folders)
    figures = {"free_bytes": data.free, "index_bytes": present, "estimate_bytes": needed}
    summary = f"{format_size(data.free)} free"
    if needed is None:
        summary += f"; the index needs about {ARTICLE_BYTES:,} bytes for each article in the window"
    else:
        summary += (
            f"; the index takes {format_size(present)}; all partitions with a full window take about "
            f"{format_size(needed)}"
        )
    missing = max(0, (needed or 0) - present)
    if data.free < missing:
        return fail("disk", summary, "free disk space, move STREAM_DATA_DIR, or add workers on other hosts", **figures)
    if data.free < max(2 * missing, _FREE_BYTES):
        return warn(
            "disk", summary, "free disk space: RocksDB needs twice the space while it rewrites files", **figures
        )
    return ok("disk", summary, **figures)


def _check_indexes(settings: Settings, folders: tuple[IndexFolder, ...]) -> Iterator[Finding]:
    if not folders:
        yield ok("index", "none on this disk yet; a worker restores it from the changelog")
    for folder in folders:
        yield _check_index(settings, folder)


def _check_index(settings: Settings, folder: IndexFolder) -> Finding:
    name = f"partition {folder.partition}"
    figures = {"partition": folder.partition, "bytes": folder.size}
    if folder.partition >= settings.scope_partitions:
        summary = f"{name} is not used: STREAM_SCOPE_PARTITIONS is {settings.scope_partitions}"
        return warn("index", summary, "restore the previous STREAM_SCOPE_PARTITIONS, or delete the folder", **figures)
    if not folder.is_readable:
        summary = f"{name}: this user has no permission to read it"
        return fail("index", summary, "change the owner of STREAM_DATA_DIR", **figures)
    if folder.is_corrupt:
        advice = "none needed: the next start rebuilds it from the changelog; check the disk if this happens again"
        return warn("index", f"{name} is marked as corrupt", advice, **figures)
    if folder.skipped:
        return _report_skipped(settings, folder, name, figures)
    return ok("index", f"{name}: {format_size(folder.size)}", **figures)


def _report_skipped(settings: Settings, folder: IndexFolder, name: str, figures: dict[str, int]) -> Finding:
    summary = f"{name} has skipped {format_count(sum(folder.skipped.values()), 'record')} of the changelog"
    if folder.last_skipped:
        offset, reason = folder.last_skipped
        summary += f"; the last one at offset {offset:,}: {reason}"
    advice = f"let only workers write to {settings.topics.fingerprints}; see the run book: ChangelogRecordsSkipped"
    return warn("index", summary, advice, **figures, skipped=dict(folder.skipped))


def _check_web_port(settings: Settings, facts: HostFacts) -> Finding:
    web, address = facts.web, f"{settings.web_host}:{settings.web_port}"
    figures = {"address": address, "state": web.state}
    if web.state == "free":
        return ok("web port", f"{address} is free", **figures)
    if web.state == "taken":
        summary = f"{address} is used by a process that is not a worker: {web.details}"
        return fail("web port", summary, "stop that process, or set STREAM_WEB_PORT", **figures)
    if web.state == "unusable":
        return fail("web port", f"{address}: {web.details}", "set STREAM_WEB_HOST and STREAM_WEB_PORT", **figures)
    if not web.is_healthy:
        advice = "see its log and /metrics; its supervisor should restart it"
        return fail("web port", f"the worker at {address} is not healthy: {web.details}", advice, **figures)
    if not web.is_ready:
        advice = "wait until its indexes are restored; its log shows the progress"
        return warn("web port", f"the worker at {address} is not ready: {web.details}", advice, **figures)
    return ok("web port", f"a worker answers at {address}; a second one on this host needs another port", **figures)
