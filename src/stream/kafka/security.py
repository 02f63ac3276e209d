"""TLS and SASL: from the settings to what the two Kafka clients take, aiokafka (under Faust) and kafka-python.

Both get the same TLS context, user and token, so a certificate or a password that one accepts, the other does too.
A secret is read when a client is made and stands nowhere else; what holds one does not show it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

from aiokafka.abc import AbstractTokenProvider as AsyncTokenProvider  # type: ignore[import-untyped]  # ships no types
from aiokafka.errors import SaslAuthenticationFailed  # type: ignore[import-untyped]
from kafka.errors import SaslAuthenticationFailedError
from kafka.net.sasl.oauth import AbstractTokenProvider
from pydantic import SecretStr

from stream.errors import BrokerError, SettingsError
from stream.settings import Settings

TOKEN_MECHANISM: Final = "OAUTHBEARER"  # noqa: S105 - a mechanism's name
_TLS_FIELDS: Final = ("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_key_password", "tls_key_password_file")
_SASL_FIELDS: Final = ("sasl_mechanism", "sasl_username", "sasl_password", "sasl_password_file", "sasl_token_hook")


class AccessError(BrokerError):
    """The broker is there, and refuses us or is not to be trusted: asking again does not help."""


class HookFailedError(SaslAuthenticationFailed):  # type: ignore[misc]  # aiokafka ships no types
    """The token hook failed while aiokafka logged in."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Secret(str):
    """Text that a library may use but not show: kafka-python logs its arguments at DEBUG."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"


@dataclass(frozen=True, slots=True)
class Access:
    """How brokers are reached.

    ``tls`` is None without encryption, and has a certificate of ours or not; ``mechanism`` is None without SASL. PLAIN
    and SCRAM have a user and a password, OAUTHBEARER a hook that returns a token.
    """

    protocol: str = "PLAINTEXT"
    tls: ssl.SSLContext | None = None
    has_certificate: bool = False
    mechanism: str | None = None
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    hook: TokenHook | None = None

    def for_kafka_python(self) -> dict[str, Any]:
        """Arguments of a kafka-python client."""
        return self._arguments(None if self.hook is None else _Tokens(self.hook))

    def for_aiokafka(self) -> dict[str, Any]:
        """Arguments of an aiokafka client."""
        return self._arguments(self.async_tokens())

    def async_tokens(self) -> AsyncTokenProvider | None:
        """Where aiokafka gets its tokens."""
        return None if self.hook is None else _AsyncTokens(self.hook)

    def _arguments(self, tokens: Any) -> dict[str, Any]:
        given = {
            "ssl_context": self.tls,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
            "sasl_oauth_token_provider": tokens,
        }
        return {"security_protocol": self.protocol} | {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class TokenHook:
    """A function without arguments that returns an OAUTHBEARER token; called for every connection."""

    path: str
    function: Callable[[], object] = field(repr=False)

    def token(self) -> str:
        """A token.

        Raises:
            AccessError: the function fails. What it raised is left out: it may hold what it was called with.
        """
        try:
            token = self.function()
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            raise AccessError(f"the token hook {self.path} raised {type(error).__name__}; call it by itself") from None
        if not isinstance(token, str) or not token:
            raise AccessError(f"the token hook {self.path} returned {type(token).__name__}; it has to return a token")
        return Secret(token)


class _Tokens(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python ships no types
    def __init__(self, hook: TokenHook) -> None:
        super().__init__()
        self._hook = hook

    def token(self) -> str:
        try:
            return self._hook.token()
        except AccessError as error:
            raise SaslAuthenticationFailedError(str(error)) from None


class _AsyncTokens(AsyncTokenProvider):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, hook: TokenHook) -> None:
        self._hook = hook

    async def token(self) -> str:
        try:
            return await asyncio.to_thread(self._hook.token)
        except AccessError as error:
            raise HookFailedError(str(error)) from None


def load_access(settings: Settings) -> Access:
    """How the settings say that brokers are reached; certificates and secrets are read from their files.

    Raises:
        SettingsError: they do not fit together, or a file cannot be used; the message tells every mistake.
    """
    mistakes: list[str] = []
    protocol = settings.security_protocol
    tls = _tls(settings, mistakes)
    sasl = _sasl(settings, mistakes)
    if mistakes:
        raise SettingsError("the brokers cannot be reached with these settings:\n  " + "\n  ".join(mistakes))
    return Access(protocol, tls, settings.tls_cert_file is not None, **sasl)


def _tls(settings: Settings, mistakes: list[str]) -> ssl.SSLContext | None:
    if "SSL" not in settings.security_protocol:
        mistakes += [
            f"{_name(field)} is set, but STREAM_SECURITY_PROTOCOL={settings.security_protocol} has no TLS: "
            "set it to SSL or SASL_SSL"
            for field in _TLS_FIELDS
            if getattr(settings, field) is not None
        ]
        return None
    context = _trusting(settings.tls_ca_file, mistakes)
    context.check_hostname = settings.tls_check_hostname
    password = _secret(settings, "tls_key_password", mistakes)
    certificate, key = settings.tls_cert_file, settings.tls_key_file
    if certificate is None:
        mistakes += [
            f"{_name(field)} is set without STREAM_TLS_CERT_FILE: set both or neither"
            for field in ("tls_key_file", "tls_key_password", "tls_key_password_file")
            if getattr(settings, field) is not None
        ]
    elif _are_files(settings, ("tls_cert_file", "tls_key_file"), mistakes):
        try:
            # Given no password, OpenSSL would ask at the terminal.
            context.load_cert_chain(certificate, key, password=password or "")
        except (OSError, ValueError) as error:
            mistakes.append(_why_no_chain(certificate, key, error, has_password=bool(password)))
    return context


def _trusting(ca: Path | None, mistakes: list[str]) -> ssl.SSLContext:
    """A context that trusts the certificates in ``ca``; TLS 1.2 and later, whatever the system's Python leaves open."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        mistakes.append(f"STREAM_TLS_CA_FILE={ca}: no certificates in PEM")
    except OSError as error:
        mistakes.append(f"STREAM_TLS_CA_FILE={ca}: {error.strerror}")
    else:
        context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
        return context
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _why_no_chain(certificate: Path, key: Path | None, error: Exception, *, has_password: bool) -> str:
    where = f"STREAM_TLS_CERT_FILE={certificate}" + (f", STREAM_TLS_KEY_FILE={key}" if key else "")
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"{where}: the key is not that of the certificate"
    if b"ENCRYPTED" in (key or certificate).read_bytes():  # OpenSSL's error does not tell it from any other
        state = "another password" if has_password else "not set"
        return f"{where}: the key is encrypted, and STREAM_TLS_KEY_PASSWORD_FILE is {state}"
    return f"{where}: no certificate and key in PEM"


def _sasl(settings: Settings, mistakes: list[str]) -> dict[str, Any]:
    if "SASL" not in settings.security_protocol:
        mistakes += [
            f"{_name(field)} is set, but STREAM_SECURITY_PROTOCOL={settings.security_protocol} logs nobody in: "
            "set it to SASL_SSL"
            for field in _SASL_FIELDS
            if getattr(settings, field) is not None
        ]
        return {}
    mechanism = settings.sasl_mechanism
    if mechanism is None:
        mistakes.append(f"STREAM_SASL_MECHANISM is not set, and {settings.security_protocol} needs one: the broker's")
        return {}
    if mechanism == TOKEN_MECHANISM:
        return {"mechanism": mechanism, "hook": _hook(settings, mistakes)}
    if settings.sasl_token_hook is not None:
        mistakes.append(f"STREAM_SASL_TOKEN_HOOK is for {TOKEN_MECHANISM}, not for {mechanism}: unset it")
    password = _secret(settings, "sasl_password", mistakes)
    if settings.sasl_username is None:
        mistakes.append(f"STREAM_SASL_USERNAME is not set, and {mechanism} needs it")
    if settings.sasl_password is None and settings.sasl_password_file is None:
        mistakes.append(f"STREAM_SASL_PASSWORD_FILE is not set, and {mechanism} needs it")
    return {"mechanism": mechanism, "username": settings.sasl_username, "password": password}


def _hook(settings: Settings, mistakes: list[str]) -> TokenHook | None:
    mistakes += [
        f"{_name(field)} is not for {TOKEN_MECHANISM}: unset it"
        for field in ("sasl_username", "sasl_password", "sasl_password_file")
        if getattr(settings, field) is not None
    ]
    path = settings.sasl_token_hook
    if path is None:
        mistakes.append(f"STREAM_SASL_TOKEN_HOOK is not set, and {TOKEN_MECHANISM} needs it: module:function")
        return None
    module, _, name = path.partition(":")
    try:
        function = getattr(import_module(module), name, None)
    except Exception as error:  # noqa: BLE001 - a module may raise anything while it is imported
        mistakes.append(f"STREAM_SASL_TOKEN_HOOK={path}: {module} cannot be imported ({type(error).__name__})")
        return None
    if not callable(function):
        mistakes.append(f"STREAM_SASL_TOKEN_HOOK={path}: {module} has no function {name}")
        return None
    return TokenHook(path, cast("Callable[[], object]", function))


def _secret(settings: Settings, field: str, mistakes: list[str]) -> Secret | None:
    """The secret in ``field``, or in the file that ``field``_file names, without the line's end there."""
    given: SecretStr | None = getattr(settings, field)
    file: Path | None = getattr(settings, f"{field}_file")
    if given is not None and file is not None:
        mistakes.append(f"{_name(field)} and {_name(field)}_FILE are both set: unset one")
        return None
    if given is not None:
        return _not_empty(given.get_secret_value(), _name(field), mistakes)
    if file is None:
        return None
    where = f"{_name(field)}_FILE={file}"
    try:
        return _not_empty(file.read_text(encoding="utf-8").rstrip("\r\n"), where, mistakes)
    except UnicodeDecodeError:
        mistakes.append(f"{where}: not UTF-8")
    except OSError as error:
        mistakes.append(f"{where}: {error.strerror}")
    return None


def _not_empty(secret: str, where: str, mistakes: list[str]) -> Secret | None:
    if not secret:
        mistakes.append(f"{where}: empty")
        return None
    return Secret(secret)


def _are_files(settings: Settings, fields: tuple[str, ...], mistakes: list[str]) -> bool:
    before = len(mistakes)
    for name in fields:
        path: Path | None = getattr(settings, name)
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            mistakes.append(f"{_name(name)}={path}: {error.strerror}")
    return len(mistakes) == before


def _name(field: str) -> str:
    return f"STREAM_{field.upper()}"
