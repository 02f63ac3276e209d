"""One connection to a broker before any client is made, to tell exactly why it refuses.

The clients try again for ever, or until a time is over, and then say that they could not connect: a wrong password,
an expired certificate and a broker that is down look alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from typing import Final

from aiokafka.conn import AIOKafkaConnection, create_conn  # type: ignore[import-untyped]  # it ships no types
from aiokafka.errors import (  # type: ignore[import-untyped]
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest  # type: ignore[import-untyped]

from stream.kafka.security import TOKEN_MECHANISM, Access, AccessError, HookFailedError

_TIMEOUT_S: Final = 10.0
#: Connections that failed are closed by aiokafka, which does not wait for it; then the loop ends.
_CLOSING_S: Final = 0.05
_BAD_CLAIM: Final = "it refuses the token; see what STREAM_SASL_TOKEN_HOOK returns: audience, scope, expiry"
# X.509 verification results, as OpenSSL numbers them.
_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_OTHER_NAME: Final = frozenset({62, 64})


def check_access(servers: Sequence[str], access: Access) -> None:
    """Connect and log in to one of ``servers``, each "host:port". Whether any can be reached is not checked.

    Raises:
        AccessError: none lets us in, and one told why.
    """
    asyncio.run(_check(servers, access))


async def _check(servers: Sequence[str], access: Access) -> None:
    refusal: AccessError | None = None
    for server in servers:
        host, _, port = server.rpartition(":")
        try:
            async with asyncio.timeout(2 * _TIMEOUT_S):
                await _ask(host.strip("[]"), int(port), access)
        except AccessError as error:
            refusal = AccessError(f"{server}: {error}")
        except (OSError, KafkaError):  # down, or not a broker; whoever connects next tells
            continue
        else:
            return
    await asyncio.sleep(_CLOSING_S)
    if refusal is not None:
        raise refusal


async def _ask(host: str, port: int, access: Access) -> None:
    """One question that needs a log-in where the listener has one."""
    try:
        connection = await _connect(host, port, access)
    except (OSError, KafkaError, ValueError) as error:  # ValueError: SCRAM's, where the answer makes no sense
        reason = _certificate_refused(error, access) or _log_in_refused(error, access)
        reason = reason or await _other_protocol(host, port, access, error)
        if reason is None:
            raise
        raise AccessError(reason) from None
    try:
        answer = await connection.send(MetadataRequest([]))
    except KafkaError as error:
        reason = _certificate_refused(error, access)
        if reason is None and access.mechanism is None:
            wanted = "SASL_SSL" if access.tls else "SASL_PLAINTEXT"
            reason = f"it answers nobody who has not logged in; set STREAM_SECURITY_PROTOCOL={wanted}"
        raise AccessError(reason or "it closes the connection when asked; see the broker's log") from None
    finally:
        await _close(connection)
    # aiokafka takes a refused token for a log-in; what the broker says next reads like a cluster without brokers.
    if access.mechanism == TOKEN_MECHANISM and not answer.brokers:
        raise AccessError(_BAD_CLAIM)


async def _connect(host: str, port: int, access: Access) -> AIOKafkaConnection:
    return await create_conn(host, port, request_timeout_ms=int(_TIMEOUT_S * 1000), **access.for_aiokafka())


async def _close(connection: AIOKafkaConnection) -> None:
    closed = connection.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(closed, 1.0)


def _log_in_refused(error: BaseException, access: Access) -> str | None:
    """Why SASL failed; None if it was something else. What the broker says is not repeated."""
    if isinstance(error, HookFailedError):
        return error.reason
    if isinstance(error, SaslAuthenticationFailed | ValueError):
        if access.mechanism == TOKEN_MECHANISM:
            return _BAD_CLAIM
        return (
            f"user {access.username} cannot log in with {access.mechanism}; "
            "check STREAM_SASL_USERNAME, STREAM_SASL_PASSWORD_FILE and that the broker has the user for this mechanism"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"it does not offer {access.mechanism}; set STREAM_SASL_MECHANISM to one that its listener has"
    if isinstance(error, IllegalSaslStateError):
        plain = access.protocol.removeprefix("SASL_")
        return f"it has no log-in there; set STREAM_SECURITY_PROTOCOL={plain}, or another port in STREAM_BROKER"
    return None


def _certificate_refused(error: BaseException, access: Access) -> str | None:
    """Why one side does not accept the other's certificate; None if it was something else."""
    # Where the broker refuses ours, aiokafka raises that the connection was closed, and this is the cause.
    error = error.__cause__ or error
    if isinstance(error, ssl.SSLCertVerificationError):
        return _why_not_trusted(error)
    reason = getattr(error, "reason", None) or ""
    if not isinstance(error, ssl.SSLError) or "ALERT" not in reason:
        return None
    if "CERTIFICATE" in reason and not access.has_certificate:
        return "it asks for a client certificate; set STREAM_TLS_CERT_FILE and STREAM_TLS_KEY_FILE"
    if "CERTIFICATE" in reason or "UNKNOWN_CA" in reason:
        return (
            f"it does not accept our certificate ({reason}); "
            "check that STREAM_TLS_CERT_FILE is valid and signed by a CA that the broker trusts"
        )
    return f"no TLS with it ({reason}); its versions or ciphers differ from ours"


def _why_not_trusted(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "the broker's certificate has expired; renew it, and check this machine's clock"
    if error.verify_code == _NOT_YET_VALID:
        return "the broker's certificate is not valid yet; check this machine's clock"
    if error.verify_code in _OTHER_NAME:
        return (
            f"the broker's certificate is for another host ({error.verify_message}); "
            "use the name that it holds in STREAM_BROKER and the broker's advertised.listeners"
        )
    return (
        f"the broker's certificate is not trusted ({error.verify_message}); "
        "set STREAM_TLS_CA_FILE to the certificate of the CA that signed it"
    )


async def _other_protocol(host: str, port: int, access: Access, error: BaseException) -> str | None:
    """Whether the port speaks TLS where we do not, or the other way round; asked only where nothing came back."""
    if isinstance(error, ConnectionRefusedError):
        return None
    sasl = "SASL_" if access.mechanism else ""
    if access.tls is None:
        if await _speaks_tls(host, port):
            return f"the port speaks TLS; set STREAM_SECURITY_PROTOCOL={sasl}SSL"
    elif await _speaks_plain(host, port):
        return f"the port does not speak TLS; set STREAM_SECURITY_PROTOCOL={sasl}PLAINTEXT, or another port"
    return None


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent: this only asks whether it is TLS
    try:
        async with asyncio.timeout(_TIMEOUT_S / 2):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError) as error:
        # An alert is TLS too: the broker may ask for a certificate before it says more.
        return "ALERT" in (getattr(error, "reason", None) or "")
    writer.close()
    return True


async def _speaks_plain(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT_S / 2):
            await _close(await _connect(host, port, Access()))
    except (OSError, TimeoutError, KafkaError):
        return False
    return True
