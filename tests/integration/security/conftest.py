"""One secured node for the tests here: it takes seconds to start."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from stream.kafka import topic_admin
from stream.settings import load_settings
from tests.support.kafka_node import KafkaNode, KafkaNodeError
from tests.support.secured_node import SecuredNode, wait_until_allowed


@pytest.fixture(scope="session")
def secured(local_kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredNode]:  # noqa: ARG001
    """Yield a node with TLS, SASL and the documented ACLs, and no topics."""
    with contextlib.ExitStack() as stack:
        try:
            node = SecuredNode(
                lambda *options: stack.enter_context(KafkaNode(*options)), tmp_path_factory.mktemp("secured")
            )
        except KafkaNodeError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        stack.callback(node.admin.close)
        yield node


@pytest.fixture(scope="session")
def with_topics(secured: SecuredNode) -> SecuredNode:
    """Return the node with the topics of the flow, made by the role that makes them."""
    settings = load_settings(**secured.settings("setup"))
    wait_until_allowed(lambda: topic_admin.create(settings, settings.topic_specs, replication=1))
    return secured


@pytest.fixture(autouse=True)
def _settings_of_the_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAM_CONFIG", raising=False)
