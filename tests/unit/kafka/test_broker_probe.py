"""What a probe finds out about servers that are no usable Kafka broker, within seconds."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import pytest

from stream.demo.runner import free_port
from stream.kafka.broker_probe import Probe, TimeLimits, probe_brokers, probe_ports, run_with_timeout
from stream.kafka.security import Access
from tests.support.certificates import Authority
from tests.support.fake_servers import (
    Conversation,
    answer_http,
    answer_kafka,
    close_at_once,
    over_tls,
    refuse_http,
    say_nothing,
    send_banner,
    serve,
)

LIMITS = TimeLimits(answer_s=0.3, handshake_s=0.3, http_s=0.3)
PLAINTEXT = Access()
TLS = Access("SSL", ssl.create_default_context())
SASL = Access("SASL_PLAINTEXT", mechanism="PLAIN", username="user")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and its certificate."""
    return Authority(tmp_path_factory.mktemp("probe") / "authority").sign("broker")


def probe(address: str, access: Access = PLAINTEXT) -> Probe:
    (result,) = probe_brokers([address], access, LIMITS)
    return result


BROKER, CONTROLLER = answer_kafka(0, 1, 3, 18), answer_kafka(1, 18, 52)
#: Server, whether it speaks TLS, access of the client, summary, part of the advice, whether waiting cannot help.
SERVERS: dict[str, tuple[Conversation, bool, Access, str, str, bool]] = {
    "HTTP": (answer_http, False, PLAINTEXT, "an HTTP server answers, not Kafka", "in STREAM_BROKER", True),
    "HTTP that refuses": (refuse_http, False, PLAINTEXT, "an HTTP server answers, not Kafka", "in STREAM_BROKER", True),
    "HTTPS, plaintext": (refuse_http, True, PLAINTEXT, "an HTTP server answers, not Kafka", "in STREAM_BROKER", True),
    "HTTPS, TLS": (answer_http, True, TLS, "an HTTP server answers, not Kafka", "in STREAM_BROKER", True),
    "HTTP, TLS": (refuse_http, False, TLS, "an HTTP server answers, not Kafka", "in STREAM_BROKER", True),
    "SSH": (send_banner, False, PLAINTEXT, "something other than Kafka answers ('SSH-2.0-Ex", "STREAM_BROKER", True),
    "silence": (say_nothing, False, PLAINTEXT, "it accepts connections, but nothing answers", "in its log", False),
    "silence, TLS": (say_nothing, False, TLS, "it accepts connections, but nothing answers", "in its log", False),
    "silence over TLS": (say_nothing, True, TLS, "it accepts connections, but nothing answers", "in its log", False),
    "closed": (close_at_once, False, PLAINTEXT, "it closes the connection without an answer", "port is for", False),
    "closed, TLS": (close_at_once, False, TLS, "it closes the connection without an answer", "port is for", False),
    "TLS": (BROKER, True, PLAINTEXT, "the port speaks TLS", "set STREAM_SECURITY_PROTOCOL=SSL", True),
    "TLS, SASL": (BROKER, True, SASL, "the port speaks TLS", "set STREAM_SECURITY_PROTOCOL=SASL_SSL", True),
    "no TLS": (BROKER, False, TLS, "the port does not speak TLS", "STREAM_SECURITY_PROTOCOL=PLAINTEXT", True),
    "controller": (CONTROLLER, False, PLAINTEXT, "this is the port of a Kafka controller", "correct the port", True),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_cannot_be_used_is_recognized(name: str, certificate: Path) -> None:
    talk, has_tls, access, summary, advice, is_permanent = SERVERS[name]
    with serve(over_tls(talk, certificate) if has_tls else talk) as address:
        problem = probe(address, access).problem
    assert problem is not None
    assert problem.summary.startswith(summary)
    assert advice in problem.advice
    assert problem.is_permanent is is_permanent
    assert "\x1b" not in str(problem)


@pytest.mark.parametrize("access", [PLAINTEXT, TLS, SASL], ids=["plaintext", "TLS", "SASL"])
def test_a_broker_is_no_problem(access: Access, certificate: Path) -> None:
    with serve(over_tls(BROKER, certificate) if access.tls else BROKER) as address:
        result = probe(address, access)
    assert result.problem is None
    assert result.seconds is not None


def test_a_closed_port_and_an_unknown_host_are_distinguished() -> None:
    closed = f"127.0.0.1:{free_port()}"
    refused, unknown = (probe(address).problem for address in (closed, "nowhere.invalid:9092"))
    assert refused is not None
    assert unknown is not None
    assert refused.summary.startswith("connection refused")
    assert unknown.summary.startswith("the host name cannot be resolved (")
    assert not refused.is_permanent
    assert not unknown.is_permanent
    assert refused.advice != unknown.advice


def test_the_first_broker_that_answers_comes_first() -> None:
    with serve(BROKER) as fast, serve(say_nothing) as slow:
        addresses = [slow, fast, f"127.0.0.1:{free_port()}"]
        probes = list(probe_brokers(addresses, PLAINTEXT, LIMITS))
    assert {result.address for result in probes} == set(addresses)
    assert probes[-1].address == slow


def test_ports_are_probed_in_the_order_of_the_addresses() -> None:
    with serve(say_nothing) as address:
        results = probe_ports(["nowhere.invalid:9092", address], LIMITS)
    assert [result.problem is None for result in results] == [False, True]
    assert probe_ports([]) == []


def test_work_that_takes_too_long_is_abandoned() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        run_with_timeout(0.01, never.wait)
    never.set()
    assert run_with_timeout(60, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        run_with_timeout(60, lambda: 1 // 0)
