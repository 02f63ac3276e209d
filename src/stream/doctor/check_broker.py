"""What is right about the cluster, and what to do where it is not. Facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.doctor.facts import BrokerFacts, Clock, Reached, Unknown
from stream.doctor.findings import Finding, fail, names, ok, skipped, span, unknown, warn

#: Idempotent producing begins here.
_OLDEST: Final = (0, 11)
#: Older ones get no fixes from Apache any more, and are not tried.
_OLD: Final = (3, 0)
_SLOW_S: Final = 1.0
_SKEW_WARN_MS: Final = 10_000
#: Kafka 4 refuses records that are further ahead: log.message.timestamp.after.max.ms.
_SKEW_FAIL_MS: Final = 3_600_000
_SYNCHRONISE: Final = "synchronise both clocks by NTP (timedatectl status)"
#: What is asked of the broker.
ASKED: Final = (
    *("version", "nodes", "clock", "topics", "replication", "retention", "message size", "permissions"),
    *("group", "lag", "dead letters"),
)


def judge_reach(facts: BrokerFacts) -> Iterator[Finding]:
    """Each address that is set, and whether Kafka answers behind them."""
    reached = [server for server in facts.servers if server.error is None]
    if facts.error is not None and not reached:
        tried = "; ".join(f"{server.address}: {server.error}" for server in facts.servers)
        yield fail("broker", tried, "start Kafka, or correct STREAM_BROKER; see that no firewall is in between")
        return
    if facts.error is not None:
        yield fail(
            "broker",
            f"{names(server.address for server in reached)} takes connections, but: {facts.error}",
            "see that it is Kafka, that it is not stuck, and that TLS and SASL are set as it wants them",
        )
        return
    for server in facts.servers:
        yield _server(server)


def _server(server: Reached) -> Finding:
    if server.error is not None:
        return warn(
            "broker",
            f"{server.address}: {server.error}; others answer",
            "start it, or take it out of STREAM_BROKER",
            address=server.address,
        )
    seconds = server.seconds or 0.0
    figures = {"address": server.address, "seconds": round(seconds, 4)}
    found = f"{server.address} answers in {span(seconds)}"
    if seconds > _SLOW_S:
        return warn("broker", found, "see what slows the network; batches wait for each round trip", **figures)
    return ok("broker", found, **figures)


def skip_asked(why: str) -> Iterator[Finding]:
    """Nothing can be asked."""
    return (skipped(check, why) for check in ASKED)


def judge_cluster(facts: BrokerFacts) -> Iterator[Finding]:
    """Versions, advertised addresses, clock."""
    yield _version(facts)
    yield from _nodes(facts)
    yield _clock(facts.clock)


def _version(facts: BrokerFacts) -> Finding:
    if isinstance(facts.versions, Unknown):
        return unknown("version", facts.versions)
    oldest = min(facts.versions)
    found = "Kafka " + names(sorted({_dotted(version) for version in facts.versions}))
    figures = {"versions": [_dotted(version) for version in facts.versions]}
    if oldest < _OLDEST:
        return fail("version", f"{found}: no idempotent producing", "upgrade the brokers to Kafka 4", **figures)
    if oldest < _OLD:
        return warn(
            "version", f"{found}: no longer maintained, and not tried", "upgrade the brokers to Kafka 4", **figures
        )
    return ok("version", f"{found}, by the requests that it knows", **figures)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _nodes(facts: BrokerFacts) -> Iterator[Finding]:
    if isinstance(facts.nodes, Unknown):
        yield unknown("nodes", facts.nodes)
        return
    away = [node for node in facts.nodes if node.error is not None]
    for node in away:
        yield fail(
            "nodes",
            f"the cluster says that a broker is at {node.address}, and from here: {node.error}",
            "start that broker, or correct its advertised.listeners",
            address=node.address,
        )
    if not away:
        yield ok("nodes", f"{names(node.address for node in facts.nodes)} as advertised", nodes=len(facts.nodes))


def _clock(clock: Clock | Unknown) -> Finding:
    if isinstance(clock, Unknown):
        return unknown("clock", clock)
    ahead, error = clock.ahead_ms, clock.error_ms
    figures = {"ahead_seconds": round(ahead / 1000, 3), "error_seconds": round(error / 1000, 3)}
    if clock.is_bound and ahead > -_SKEW_WARN_MS:
        return unknown("clock", "approximate: the cluster does not tell its time; no record is from the future")
    told = f"{span(abs(ahead) / 1000)} {'ahead of' if ahead > 0 else 'behind'} the cluster's"
    found = f"this clock is {'at least ' if clock.is_bound else ''}{told}"
    sure = abs(ahead) - error
    if sure > _SKEW_FAIL_MS:
        what = "the broker refuses its records" if ahead > 0 else "records are deleted too early"
        return fail("clock", f"{found}: {what}", _SYNCHRONISE, **figures)
    if sure > _SKEW_WARN_MS:
        return warn("clock", f"{found}: latencies and retention are off by it", _SYNCHRONISE, **figures)
    return ok("clock", f"{found}, give or take {span(error / 1000)}", **figures)
