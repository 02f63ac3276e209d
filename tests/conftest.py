"""Fixtures that more than one test module uses."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings

from tests.support.kafka_node import KafkaNode, KafkaNodeError, why_no_download_free_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROKER = "STREAM_TEST_BROKER"
REQUIRE = "STREAM_REQUIRE_KAFKA"

# The same examples in every run, so that a test that passes goes on passing. `make explore` draws others.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
# `make mutation` only needs to know that an example fails.
settings.register_profile("mutation", derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("STREAM_HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let SIGINT interrupt this process and those that it starts: shells switch it off in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def local_kafka() -> None:
    """Skip unless this machine can start Kafka nodes without a download.

    With STREAM_REQUIRE_KAFKA=1 nothing is skipped: the first node downloads the jars, and its start fails
    where there is no Java or no Maven.
    """
    if os.environ.get(REQUIRE) != "1" and (reason := why_no_download_free_start()):
        pytest.skip(f"no Kafka: {reason}; or set {BROKER}=HOST:PORT to use a running one")


@pytest.fixture(scope="session")
def kafka_broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield "HOST:PORT" of the broker that tests share: STREAM_TEST_BROKER, or one started for the run."""
    if address := os.environ.get(BROKER):
        yield address
        return
    request.getfixturevalue("local_kafka")
    with contextlib.ExitStack() as stack:
        try:
            node = stack.enter_context(KafkaNode())
        except KafkaNodeError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        yield node.address


@pytest.fixture
def new_kafka_node(local_kafka: None) -> Iterator[Callable[..., KafkaNode]]:  # noqa: ARG001
    """Yield ``KafkaNode``, started and stopped for the test: for tests that pause, kill or set up brokers."""
    with contextlib.ExitStack() as stack:
        yield lambda *options: stack.enter_context(KafkaNode(*options))


@pytest.fixture
def topic_prefix() -> str:
    """Return a prefix for topics and consumer groups that no other test or run uses."""
    return f"test-{uuid.uuid4().hex[:10]}-"
