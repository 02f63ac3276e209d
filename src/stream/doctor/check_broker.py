"""Checks of the cluster: addresses, versions, clock. Facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.doctor.facts import BrokerFacts, Clock, Connection, Unknown
from stream.doctor.findings import Finding, fail, format_duration, join_names, ok, skip, unknown, warn

#: The first version with idempotent producers.
_OLDEST: Final = (0, 11)
#: Older versions are not maintained by Apache, nor tested with this project.
_OLDEST_MAINTAINED: Final = (3, 0)
_SLOW_S: Final = 1.0
_SKEW_WARN_MS: Final = 10_000
#: Kafka 4 refuses records that are further in the future: log.message.timestamp.after.max.ms.
_SKEW_FAIL_MS: Final = 3_600_000
_SYNCHRONIZE: Final = "synchronize both clocks with NTP (timedatectl status)"
_CHECK_LISTENER: Final = "check that the broker is not stuck, and that the TLS and SASL settings match its listener"
#: The checks that need the cluster.
#: The checks that depend on the topics.
TOPIC_CHECKS: Final = (
    *("topics", "replication", "retention", "message size", "permissions"),
    *("group", "logs", "lag", "timestamps", "dead letters"),
)
CLUSTER_CHECKS: Final = ("version", "nodes", "clock", *TOPIC_CHECKS)


def check_connections(facts: BrokerFacts) -> Iterator[Finding]:
    """Check that each address in the settings can be reached, and that Kafka answers."""
    usable = [server for server in facts.servers if server.error is None]
    if facts.error is not None and usable:
        summary, _, advice = (facts.error, "", "") if "\n" in facts.error else facts.error.partition("; ")
        yield fail("broker", summary, advice or _CHECK_LISTENER)
    if not usable:
        for server in facts.servers:
            yield fail("broker", f"{server.address}: {server.error}", server.advice, address=server.address)
    if facts.error is not None or not usable:
        return
    for server in facts.servers:
        yield _check_connection(server)


def _check_connection(server: Connection) -> Finding:
    if server.error is not None:
        return warn(
            "broker",
            f"{server.address}: {server.error}; other brokers answer",
            server.advice,
            address=server.address,
        )
    seconds = server.seconds or 0.0
    figures = {"address": server.address, "seconds": round(seconds, 4)}
    summary = f"{server.address} accepted a connection in {format_duration(seconds)}"
    if seconds > _SLOW_S:
        return warn("broker", summary, "check the network: batches wait for every round trip", **figures)
    return ok("broker", summary, **figures)


def skip_cluster_checks(reason: str) -> Iterator[Finding]:
    """Skip every check that needs the cluster."""
    return (skip(check, reason) for check in CLUSTER_CHECKS)


def check_cluster(facts: BrokerFacts) -> Iterator[Finding]:
    """Check versions, advertised addresses and the clock."""
    yield _check_version(facts)
    yield from _check_nodes(facts)
    yield _check_clock(facts.clock)


def _check_version(facts: BrokerFacts) -> Finding:
    if isinstance(facts.versions, Unknown):
        return unknown("version", facts.versions)
    oldest = min(facts.versions)
    summary = "Kafka " + join_names(sorted({_format_version(version) for version in facts.versions}))
    figures = {"versions": [_format_version(version) for version in facts.versions]}
    if oldest < _OLDEST:
        return fail("version", f"{summary} has no idempotent producers", "upgrade the brokers to Kafka 4", **figures)
    if oldest < _OLDEST_MAINTAINED:
        return warn(
            "version", f"{summary} is no longer maintained, and untested", "upgrade the brokers to Kafka 4", **figures
        )
    return ok("version", f"{summary} (estimated from the requests that the brokers support)", **figures)


def _format_version(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _check_nodes(facts: BrokerFacts) -> Iterator[Finding]:
    if isinstance(facts.nodes, Unknown):
        yield unknown("nodes", facts.nodes)
        return
    unreachable = [node for node in facts.nodes if node.error is not None]
    for node in unreachable:
        yield fail(
            "nodes",
            f"a broker is advertised at {node.address}, but from here: {node.error}",
            "start that broker, or correct its advertised.listeners",
            address=node.address,
        )
    if not unreachable:
        addresses = join_names(node.address for node in facts.nodes)
        yield ok("nodes", f"reachable at the advertised addresses: {addresses}", nodes=len(facts.nodes))


def _check_clock(clock: Clock | Unknown) -> Finding:
    if isinstance(clock, Unknown):
        return unknown("clock", clock)
    ahead, error = clock.ahead_ms, clock.error_ms
    figures = {"ahead_seconds": round(ahead / 1000, 3), "error_seconds": round(error / 1000, 3)}
    if clock.is_upper_bound and ahead > -_SKEW_WARN_MS:
        return unknown("clock", "the cluster does not report its time; no record is from the future")
    skew = f"{format_duration(abs(ahead) / 1000)} {'ahead of' if ahead > 0 else 'behind'} the cluster"
    summary = f"this host is {'at least ' if clock.is_upper_bound else ''}{skew}"
    certain = abs(ahead) - error
    if certain > _SKEW_FAIL_MS:
        effect = "the brokers refuse its records" if ahead > 0 else "its records are deleted too early"
        return fail("clock", f"{summary}: {effect}", _SYNCHRONIZE, **figures)
    if certain > _SKEW_WARN_MS:
        return warn("clock", f"{summary}, which distorts latencies and retention", _SYNCHRONIZE, **figures)
    return ok("clock", f"{summary} (± {format_duration(error / 1000)})", **figures)
