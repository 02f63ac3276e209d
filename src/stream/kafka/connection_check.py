"""A first connection to the brokers, which finds out exactly why they deny access.

The Kafka clients retry for ever or until a time-out, and then only report that they could not connect: a wrong
password, an expired certificate and a broker that is down look alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Sequence
from typing import Final

from aiokafka.conn import AIOKafkaConnection, create_conn  # type: ignore[import-untyped]  # it ships no types
from aiokafka.errors import (  # type: ignore[import-untyped]
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest  # type: ignore[import-untyped]

from stream.errors import BrokerError, BrokerNotReady
from stream.kafka.broker_probe import probe_brokers, probe_ports
from stream.kafka.security import TOKEN_MECHANISM, Access, AccessError, HookFailedError

_TIMEOUT_S: Final = 10.0
#: aiokafka closes failed connections without waiting for it; this gives it the time before the event loop ends.
_CLOSE_DELAY_S: Final = 0.05
_OAUTH_REFUSAL: Final = (
    "the broker refuses the token; check audience, scope and expiry of what STREAM_SASL_TOKEN_HOOK returns"
)
# X.509 verification results, as numbered by OpenSSL.
_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_HOSTNAME_MISMATCH: Final = frozenset({62, 64})


def check_connection(servers: Sequence[str], access: Access) -> None:
    """Connect and log in to one of ``servers``, each "host:port".

    Raises:
        AccessError: no server grants access, and at least one gave a reason.
        BrokerError: no server can be used; `BrokerNotReady` if that may change without a change of the settings.
    """
    failures: dict[str, BrokerError] = {}
    for probe in probe_brokers(servers, access):
        if probe.problem is not None:
            kind = BrokerError if probe.problem.is_permanent else BrokerNotReady
            failures[probe.address] = kind(str(probe.problem))
            continue
        try:
            asyncio.run(_log_in(probe.address, servers, access))
        except BrokerError as error:
            failures[probe.address] = error
        else:
            return
    lines = [f"{server}: {failures[server]}" for server in dict.fromkeys(servers)]
    message = lines[0] if len(lines) == 1 else "\n  ".join(["none of the brokers can be used:", *lines])
    raise _most_permanent_kind(failures.values())(message)


def _most_permanent_kind(failures: Iterable[BrokerError]) -> type[BrokerError]:
    kinds = {type(failure) for failure in failures}
    return next(kind for kind in (AccessError, BrokerError, BrokerNotReady) if kind in kinds)


async def _log_in(server: str, servers: Sequence[str], access: Access) -> None:
    host, _, port = server.rpartition(":")
    try:
        async with asyncio.timeout(2 * _TIMEOUT_S):
            advertised = await _check_server(host.strip("[]"), int(port), access)
    except (OSError, KafkaError) as error:  # TimeoutError is an OSError
        reason = str(error) or type(error).__name__
        raise BrokerNotReady(f"it answers, but the log-in fails ({reason}); see the broker's log") from error
    finally:
        await asyncio.sleep(_CLOSE_DELAY_S)
    if advertised and not set(advertised) & set(servers):
        _require_reachable(advertised)


def _require_reachable(advertised: Sequence[str]) -> None:
    """Clients connect to the advertised addresses next, so at least one of them has to be reachable from here."""
    probes = probe_ports(advertised)
    problems = [f"{probe.address} ({probe.problem.summary})" for probe in probes if probe.problem]
    if len(problems) == len(probes):
        raise BrokerNotReady(
            f"it answers, but the brokers advertise addresses that cannot be reached from here: {', '.join(problems)}; "
            "correct advertised.listeners of the brokers, or use a listener that is meant for this network"
        )


async def _check_server(host: str, port: int, access: Access) -> list[str]:
    """Send one request, which a listener with SASL answers only after log-in; returns the advertised addresses."""
    try:
        connection = await _connect(host, port, access)
    except (OSError, KafkaError, ValueError) as error:  # ValueError: a SCRAM response that makes no sense
        reason = _explain_certificate_error(error, access) or _explain_sasl_error(error, access)
        if reason is None:
            raise
        raise AccessError(reason) from None
    try:
        response = await connection.send(MetadataRequest([]))
    except KafkaError as error:
        reason = _explain_certificate_error(error, access)
        if reason is None and access.mechanism is None:
            protocol = "SASL_SSL" if access.tls else "SASL_PLAINTEXT"
            reason = f"the broker requires a log-in; set STREAM_SECURITY_PROTOCOL={protocol}"
        raise AccessError(
            reason or "the broker closes the connection at the first request; see the broker's log"
        ) from None
    finally:
        await _close(connection)
    # aiokafka takes a refused token for a successful log-in; the response then looks like a cluster without brokers.
    if access.mechanism == TOKEN_MECHANISM and not response.brokers:
        raise AccessError(_OAUTH_REFUSAL)
    return [f"{broker[1]}:{broker[2]}" for broker in response.brokers]


async def _connect(host: str, port: int, access: Access) -> AIOKafkaConnection:
    return await create_conn(host, port, request_timeout_ms=int(_TIMEOUT_S * 1000), **access.for_aiokafka())


async def _close(connection: AIOKafkaConnection) -> None:
    closing = connection.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(closing, 1.0)


def _explain_sasl_error(error: BaseException, access: Access) -> str | None:
    """Why the log-in failed; None if the error has another cause. The broker's own text is not repeated."""
    if isinstance(error, HookFailedError):
        return error.reason
    if isinstance(error, SaslAuthenticationFailed | ValueError):
        if access.mechanism == TOKEN_MECHANISM:
            return _OAUTH_REFUSAL
        return (
            f"user {access.username} cannot log in with {access.mechanism}; "
            "check STREAM_SASL_USERNAME, STREAM_SASL_PASSWORD_FILE and that the broker has this user for the mechanism"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"the broker does not offer {access.mechanism}; set STREAM_SASL_MECHANISM to one that its listener has"
    if isinstance(error, IllegalSaslStateError):
        plain = access.protocol.removeprefix("SASL_")
        return f"this listener has no log-in; set STREAM_SECURITY_PROTOCOL={plain}, or another port in STREAM_BROKER"
    return None


def _explain_certificate_error(error: BaseException, access: Access) -> str | None:
    """Why one side does not accept the other's certificate; None if the error has another cause."""
    # If the broker refuses the client's certificate, aiokafka raises a closed connection with this as its cause.
    error = error.__cause__ or error
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_untrusted_broker(error)
    reason = getattr(error, "reason", None) or ""
    if not isinstance(error, ssl.SSLError) or "ALERT" not in reason:
        return None
    if "CERTIFICATE" in reason and not access.has_certificate:
        return "the broker requires a client certificate; set STREAM_TLS_CERT_FILE and STREAM_TLS_KEY_FILE"
    if "CERTIFICATE" in reason or "UNKNOWN_CA" in reason:
        return (
            f"the broker does not accept the client certificate ({reason}); "
            "check that STREAM_TLS_CERT_FILE is valid and signed by a CA that the broker trusts"
        )
    return f"the TLS handshake failed ({reason}); client and broker have no TLS version or cipher in common"


def _explain_untrusted_broker(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "the broker's certificate has expired; renew it, and check the clock of this host"
    if error.verify_code == _NOT_YET_VALID:
        return "the broker's certificate is not valid yet; check the clock of this host"
    if error.verify_code in _HOSTNAME_MISMATCH:
        return (
            f"the broker's certificate is for another host ({error.verify_message}); "
            "use a name from the certificate in STREAM_BROKER and in the broker's advertised.listeners"
        )
    return (
        f"the broker's certificate is not trusted ({error.verify_message}); "
        "set STREAM_TLS_CA_FILE to the certificate of the CA that signed it"
    )
