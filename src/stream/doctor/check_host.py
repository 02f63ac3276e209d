"""What is right about this machine and the settings, and what to do where it is not. Facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from stream.core.index.partition_index import LAYOUT_VERSION
from stream.core.timestamps import HOUR_MS
from stream.doctor.facts import DataDir, IndexFolder, MachineFacts, Offsets, Sources, TopicFacts, Unknown
from stream.doctor.findings import Finding, count, fail, names, ok, size, skipped, warn
from stream.settings import MIB, Settings

_PYTHON: Final = ((3, 11), (3, 13))
#: Measured: an article in the index, all of its anchors included.
ARTICLE_BYTES: Final = 1500
_FREE_BYTES: Final = 1024 * MIB
#: A shorter history says little about a week.
_HISTORY_MS: Final = HOUR_MS
# Open files: connections, libraries and logs; each partition's; RocksDB's own, most of them of this size.
_FILES, _FILES_A_PARTITION, _FILE_BYTES = 256, 32, 64 * MIB


def judge_settings(sources: Sources) -> Finding:
    """Where the settings come from; they are valid."""
    found = f"from {sources.file}" if sources.file else "defaults"
    if sources.variables:
        found += f" and {names(sources.variables)}"
    figures = {"file": sources.file, "variables": list(sources.variables), "unread": list(sources.unread)}
    if sources.unread:
        return warn("settings", f"no setting reads {names(sources.unread)}", "correct the name, or unset it", **figures)
    return ok("settings", found, **figures)


def judge_python(version: tuple[int, int, int]) -> Finding:
    """The interpreter."""
    told = ".".join(map(str, version))
    first, last = _PYTHON
    if not first <= version[:2] <= last:
        return fail("python", f"{told} is not supported", "use Python 3.11, 3.12 or 3.13", version=told)
    return ok("python", told, version=told)


def judge_machine(settings: Settings, facts: MachineFacts, topics: Mapping[str, TopicFacts]) -> Iterator[Finding]:
    """Files, disk, indexes, web port."""
    needed = index_bytes(settings, topics)
    yield _files(settings, facts.files_max, needed or 0)
    if settings.is_memory:
        for check in ("data folder", "disk", "index"):
            yield skipped(check, "memory:// keeps its index in memory")
    else:
        yield _data_dir(facts.data_dir)
        yield _disk(facts.data_dir, needed)
        yield from _indexes(settings, facts.data_dir.folders, topics)
    yield _web(settings, facts)


def index_bytes(settings: Settings, topics: Mapping[str, TopicFacts]) -> int | None:
    """What all indexes of the window will take, by the changelog's last days; None where it does not tell.

    A history shorter than the window is taken for its beginning, once it is an hour long.
    """
    topic = topics.get(settings.topics.fingerprints)
    if topic is None or isinstance(topic.offsets, Unknown):
        return None
    articles = sum(_articles(offsets, settings.window_ms) for offsets in topic.offsets.values())
    return round(articles * ARTICLE_BYTES) or None


def _articles(offsets: Offsets, window_ms: int) -> float:
    recent = offsets.end - offsets.window_ago
    if offsets.age_ms is None or offsets.age_ms < _HISTORY_MS:
        return recent
    return recent * max(1.0, window_ms / offsets.age_ms)


def _files(settings: Settings, files: int | None, index: int) -> Finding:
    needed = _FILES + _FILES_A_PARTITION * settings.scope_partitions + index // _FILE_BYTES
    found = f"{'no limit on' if files is None else f'{files:,}'} open files, about {needed:,} are needed"
    if files is None or files >= needed * 3 // 2:
        return ok("open files", found, limit=files, needed=needed)
    advice = f"ulimit -n {4 * needed}, LimitNOFILE={4 * needed} in systemd, or --ulimit nofile in Docker"
    return (fail if files < needed else warn)("open files", found, advice, limit=files, needed=needed)


def _data_dir(data: DataDir) -> Finding:
    figures = {"path": data.path, "exists": data.exists}
    if not data.is_writable:
        return fail(
            "data folder",
            f"{data.path}: this user may not write in {data.nearest}",
            "change its owner, or set STREAM_DATA_DIR",
            **figures,
        )
    return ok("data folder", f"{data.path} {'can be written' if data.exists else 'can be made'}", **figures)


def _disk(data: DataDir, needed: int | None) -> Finding:
    there = sum(folder.size for folder in data.folders)
    figures = {"free_bytes": data.free, "index_bytes": there, "estimate_bytes": needed}
    found = f"{size(data.free)} free"
    if needed is None:
        found += f"; about {ARTICLE_BYTES:,} bytes an article in the window are needed"
    else:
        found += f"; the index has {size(there)} of about {size(needed)} if this worker has all partitions"
    missing = max(0, (needed or 0) - there)
    if data.free < missing:
        return fail("disk", found, "make room, set STREAM_DATA_DIR to a larger disk, or share with workers", **figures)
    if data.free < max(2 * missing, _FREE_BYTES):
        return warn("disk", found, "make room: while RocksDB rewrites files it needs both", **figures)
    return ok("disk", found, **figures)


def _indexes(
    settings: Settings, folders: tuple[IndexFolder, ...], topics: Mapping[str, TopicFacts]
) -> Iterator[Finding]:
    if not folders:
        yield ok("index", "none here yet: a worker restores it from the changelog")
        return
    changelog = topics.get(settings.topics.fingerprints)
    offsets = changelog.offsets if changelog is not None else Unknown("there is no changelog")
    for folder in folders:
        yield _index(settings, folder, None if isinstance(offsets, Unknown) else offsets.get(folder.partition))


def _index(settings: Settings, folder: IndexFolder, changelog: Offsets | None) -> Finding:
    name = f"partition {folder.partition}"
    figures = {"partition": folder.partition, "bytes": folder.size, "locked_by": folder.locked_by}
    if folder.partition >= settings.scope_partitions:
        found = f"{name}: there are {settings.scope_partitions}, so nobody uses it"
        return warn("index", found, "set STREAM_SCOPE_PARTITIONS as it was, or delete the folder", **figures)
    if folder.locked_by is not None:
        holder = f"process {folder.locked_by}" if folder.locked_by else "a process outside of this container"
        return ok("index", f"{name}: {size(folder.size)}, in use by {holder}; not looked into", **figures)
    if folder.damage is not None and "Permission denied" in folder.damage:
        return fail("index", f"{name}: this user may not read it", "change the owner of STREAM_DATA_DIR", **figures)
    reason = _why_rebuilt(folder, changelog)
    if reason is not None:
        return warn("index", f"{name}: {reason}", "let the next start rebuild it from the changelog", **figures)
    return _readable(name, folder, changelog, {**figures, "version": folder.version})


def _readable(name: str, folder: IndexFolder, changelog: Offsets | None, figures: dict[str, Any]) -> Finding:
    if folder.version is None:
        return ok("index", f"{name}: empty", **figures)
    if changelog is not None and folder.changelog_end > changelog.end:
        return fail(
            "index",
            f"{name} has read the changelog up to {folder.changelog_end:,}, which ends at {changelog.end:,}: it was "
            "made anew",
            "stop the worker and delete the partition's folder in STREAM_DATA_DIR",
            **figures,
        )
    found = f"{name}: {size(folder.size)}"
    if changelog is not None:
        found += f", {count(changelog.end - folder.changelog_end, 'record')} of the changelog to read"
    return ok("index", found, **figures)


def _why_rebuilt(folder: IndexFolder, changelog: Offsets | None) -> str | None:
    if folder.is_distrusted:
        return "it was found damaged"
    if folder.damage is not None:
        return f"it cannot be opened ({folder.damage})"
    if folder.version is not None and folder.version != LAYOUT_VERSION:
        return f"written by version {folder.version}, this is {LAYOUT_VERSION}"
    if changelog is not None and folder.last_offset >= 0 and folder.changelog_end < changelog.begin:
        return "older than the changelog"
    return None


def _web(settings: Settings, facts: MachineFacts) -> Finding:
    web, address = facts.web, f"{settings.web_host}:{settings.web_port}"
    figures = {"address": address, "state": web.state}
    if web.state == "free":
        return ok("web port", f"{address} is free", **figures)
    if web.state == "taken":
        other = "stop it, or set STREAM_WEB_PORT"
        return fail("web port", f"{address} is taken by something that is no worker: {web.details}", other, **figures)
    if web.state == "unusable":
        return fail("web port", f"{address}: {web.details}", "set STREAM_WEB_HOST and STREAM_WEB_PORT", **figures)
    if not web.is_healthy:
        advice = "look at its log, and at /metrics there; let its supervisor start it again"
        return fail("web port", f"the worker at {address} is not healthy: {web.details}", advice, **figures)
    if not web.is_ready:
        advice = "wait until its index is restored; its log tells how far it is"
        return warn("web port", f"the worker at {address} is not ready: {web.details}", advice, **figures)
    return ok("web port", f"a worker answers at {address}; another one here needs a port of its own", **figures)
