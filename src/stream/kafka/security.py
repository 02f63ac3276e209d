"""TLS and SASL: turns the settings into arguments of the two Kafka clients, aiokafka (under Faust) and kafka-python.

Both get the same TLS context, user and token, so both accept the same certificates and passwords. A secret is read
when a client is created and is kept nowhere else; no `repr` shows it.
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
    """The broker denies access, or cannot be trusted. Retrying does not help."""


class HookFailedError(SaslAuthenticationFailed):  # type: ignore[misc]  # aiokafka ships no types
    """The token hook failed during aiokafka's log-in."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Secret(str):
    """Text whose `repr` is masked: kafka-python logs its arguments at DEBUG."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"


@dataclass(frozen=True, slots=True)
class Access:
    """How to connect to the brokers.

    ``tls`` is None without encryption; ``has_certificate``: it contains a client certificate. ``mechanism`` is None
    without SASL. PLAIN and SCRAM use ``username`` and ``password``, OAUTHBEARER a ``hook`` that returns a token.
    """

    protocol: str = "PLAINTEXT"
    tls: ssl.SSLContext | None = None
    has_certificate: bool = False
    mechanism: str | None = None
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    hook: TokenHook | None = None

    def for_kafka_python(self) -> dict[str, Any]:
        """Arguments for a kafka-python client."""
        return self._arguments(None if self.hook is None else _Tokens(self.hook))

    def for_aiokafka(self) -> dict[str, Any]:
        """Arguments for an aiokafka client."""
        return self._arguments(self.async_tokens())

    def async_tokens(self) -> AsyncTokenProvider | None:
        """The source of aiokafka's tokens; None without OAUTHBEARER."""
        return None if self.hook is None else _AsyncTokens(self.hook)

    def _arguments(self, tokens: Any) -> dict[str, Any]:
        arguments = {
            "ssl_context": self.tls,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
            "sasl_oauth_token_provider": tokens,
        }
        return {"security_protocol": self.protocol} | {name: value for name, value in arguments.items() if value}


@dataclass(frozen=True, slots=True)
class TokenHook:
    """A function without arguments that returns an OAUTHBEARER token; called for every connection."""

    path: str
    function: Callable[[], object] = field(repr=False)

    def token(self) -> str:
        """Call the function and return its token.

        Raises:
            AccessError: the function fails. Its exception is not shown, since it may contain a secret.
        """
        try:
            token = self.function()
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            raise AccessError(f"the token hook {self.path} raised {type(error).__name__}; try it on its own") from None
        if not isinstance(token, str) or not token:
            raise AccessError(f"the token hook {self.path} returned {type(token).__name__}; it must return a str")
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
    """Build the `Access` of the settings; reads certificates and secrets from their files.

    Raises:
        SettingsError: the settings contradict each other, or a file cannot be used; the message lists all mistakes.
    """
    mistakes: list[str] = []
    protocol = settings.security_protocol
    tls = _load_tls(settings, mistakes)
    sasl = _load_sasl(settings, mistakes)
    if mistakes:
        raise SettingsError("the security settings cannot be used:\n  " + "\n  ".join(mistakes))
    return Access(protocol, tls, settings.tls_cert_file is not None, **sasl)


def _load_tls(settings: Settings, mistakes: list[str]) -> ssl.SSLContext | None:
    if "SSL" not in settings.security_protocol:
        mistakes += [
            f"{_name(field)} is set, but STREAM_SECURITY_PROTOCOL={settings.security_protocol} has no TLS: "
            "set it to SSL or SASL_SSL"
            for field in _TLS_FIELDS
            if getattr(settings, field) is not None
        ]
        return None
    context = _create_context(settings.tls_ca_file, mistakes)
    context.check_hostname = settings.tls_check_hostname
    password = _load_secret(settings, "tls_key_password", mistakes)
    certificate, key = settings.tls_cert_file, settings.tls_key_file
    if certificate is None:
        mistakes += [
            f"{_name(field)} is set without STREAM_TLS_CERT_FILE: set both or neither"
            for field in ("tls_key_file", "tls_key_password", "tls_key_password_file")
            if getattr(settings, field) is not None
        ]
    elif _are_readable(settings, ("tls_cert_file", "tls_key_file"), mistakes):
        try:
            # Without a password, OpenSSL would prompt on the terminal.
            context.load_cert_chain(certificate, key, password=password or "")
        except (OSError, ValueError) as error:
            mistakes.append(_explain_chain_error(certificate, key, error, has_password=bool(password)))
    return context


def _create_context(ca: Path | None, mistakes: list[str]) -> ssl.SSLContext:
    """Create a context that trusts the certificates in ``ca`` (None: the system's), with TLS 1.2 or later."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        mistakes.append(f"STREAM_TLS_CA_FILE={ca}: contains no PEM certificate")
    except OSError as error:
        mistakes.append(f"STREAM_TLS_CA_FILE={ca}: {error.strerror}")
    else:
        context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
        return context
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _explain_chain_error(certificate: Path, key: Path | None, error: Exception, *, has_password: bool) -> str:
    source = f"STREAM_TLS_CERT_FILE={certificate}" + (f", STREAM_TLS_KEY_FILE={key}" if key else "")
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"{source}: the key does not belong to the certificate"
    if b"ENCRYPTED" in (key or certificate).read_bytes():  # OpenSSL has no error of its own for this
        state = "does not decrypt it" if has_password else "is not set"
        return f"{source}: the key is encrypted, and STREAM_TLS_KEY_PASSWORD_FILE {state}"
    return f"{source}: contains no PEM certificate and key"


def _load_sasl(settings: Settings, mistakes: list[str]) -> dict[str, Any]:
    if "SASL" not in settings.security_protocol:
        mistakes += [
            f"{_name(field)} is set, but STREAM_SECURITY_PROTOCOL={settings.security_protocol} has no log-in: "
            "set it to SASL_SSL"
            for field in _SASL_FIELDS
            if getattr(settings, field) is not None
        ]
        return {}
    mechanism = settings.sasl_mechanism
    if mechanism is None:
        mistakes.append(
            f"STREAM_SASL_MECHANISM is not set, and {settings.security_protocol} needs one: the mechanism of the broker"
        )
        return {}
    if mechanism == TOKEN_MECHANISM:
        return {"mechanism": mechanism, "hook": _load_hook(settings, mistakes)}
    if settings.sasl_token_hook is not None:
        mistakes.append(f"STREAM_SASL_TOKEN_HOOK is used with {TOKEN_MECHANISM} only, not with {mechanism}: unset it")
    password = _load_secret(settings, "sasl_password", mistakes)
    if settings.sasl_username is None:
        mistakes.append(f"STREAM_SASL_USERNAME is not set, and {mechanism} needs it")
    if settings.sasl_password is None and settings.sasl_password_file is None:
        mistakes.append(f"STREAM_SASL_PASSWORD_FILE is not set, and {mechanism} needs it")
    return {"mechanism": mechanism, "username": settings.sasl_username, "password": password}


def _load_hook(settings: Settings, mistakes: list[str]) -> TokenHook | None:
    mistakes += [
        f"{_name(field)} is not used with {TOKEN_MECHANISM}: unset it"
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
    except Exception as error:  # noqa: BLE001 - an import may raise anything
        mistakes.append(f"STREAM_SASL_TOKEN_HOOK={path}: {module} cannot be imported ({type(error).__name__})")
        return None
    if not callable(function):
        mistakes.append(f"STREAM_SASL_TOKEN_HOOK={path}: {module} has no function {name}")
        return None
    return TokenHook(path, cast("Callable[[], object]", function))


def _load_secret(settings: Settings, field: str, mistakes: list[str]) -> Secret | None:
    """Read the secret from ``field``, or from the file in ``field``_file, without its final line break."""
    value: SecretStr | None = getattr(settings, field)
    file: Path | None = getattr(settings, f"{field}_file")
    if value is not None and file is not None:
        mistakes.append(f"{_name(field)} and {_name(field)}_FILE are both set: unset one")
        return None
    if value is not None:
        return _require_text(value.get_secret_value(), _name(field), mistakes)
    if file is None:
        return None
    source = f"{_name(field)}_FILE={file}"
    try:
        return _require_text(file.read_text(encoding="utf-8").rstrip("\r\n"), source, mistakes)
    except UnicodeDecodeError:
        mistakes.append(f"{source}: not UTF-8")
    except OSError as error:
        mistakes.append(f"{source}: {error.strerror}")
    return None


def _require_text(secret: str, source: str, mistakes: list[str]) -> Secret | None:
    if not secret:
        mistakes.append(f"{source}: empty")
        return None
    return Secret(secret)


def _are_readable(settings: Settings, fields: tuple[str, ...], mistakes: list[str]) -> bool:
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
