"""TLS and SASL settings: client arguments, messages about mistakes, and that no secret is shown."""

from __future__ import annotations

import ast
import asyncio
import logging
import os
import socket
import ssl
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from kafka import KafkaAdminClient
from kafka.errors import KafkaConfigurationError
from pydantic import ValidationError

from stream.cli import main
from stream.core.pipeline.offline import OfflineFlow
from stream.errors import SettingsError
from stream.kafka.security import AccessError, load_access
from stream.settings import DAY_MS, Settings, load_settings
from stream.transport.kafka.credentials import faust_credentials
from tests.support.certificates import KEY_PASSWORD, Authority
from tests.support.cli import commands

SOURCES = Path(__file__).parents[3] / "src"
PASSWORD = "hush-4d1e77"  # noqa: S105 - of tests  # pragma: allowlist secret
SASL = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "reader"}
patient = hypothesis_settings(deadline=None, max_examples=30)
#: Text that appears nowhere else in any output.
SECRETS = st.text(string.ascii_letters + string.digits + "é@/:,'\"\\ {}%", min_size=6, max_size=40).map("Zq9".__add__)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("STREAM_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority with signed certificates of ``client`` and ``other``, and an encrypted key of ``client``."""
    authority = Authority(tmp_path_factory.mktemp("tls") / "authority")
    for name in ("client", "other"):
        authority.sign(name)
    authority.write_encrypted_key("client")
    return authority


@pytest.fixture
def workdir(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with the authority's files, password files and modules of hooks."""
    for file in authority.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    (tmp_path / "hooks_module.py").write_text("def token():\n    return 'a.b.c'\nnumber = 4\n", encoding="utf-8")
    (tmp_path / "broken_module.py").write_text("1 / 0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Arguments of clients


def test_plain_text_is_the_default() -> None:
    access = load_access(Settings())
    assert access.for_kafka_python() == {"security_protocol": "PLAINTEXT"}
    assert access.for_aiokafka() == {"security_protocol": "PLAINTEXT"}
    assert faust_credentials(access) is None


WAYS: dict[str, dict[str, Any]] = {
    "TLS": {"security_protocol": "SSL"},
    "client certificate": {"security_protocol": "SSL", "tls_cert_file": "client.pem"},
    "certificate and key apart": {
        "security_protocol": "SSL",
        "tls_cert_file": "client.crt",
        "tls_key_file": "client.key",
    },
    "encrypted key": {
        "security_protocol": "SSL",
        "tls_cert_file": "client.crt",
        "tls_key_file": "client.encrypted.key",
        "tls_key_password": KEY_PASSWORD,
    },
    "SCRAM over TLS": {**SASL, "sasl_password": PASSWORD},
    "SCRAM in plain text": {**SASL, "security_protocol": "SASL_PLAINTEXT", "sasl_password": PASSWORD},
    "password in a file": {**SASL, "sasl_password_file": "password"},
    "PLAIN": {**SASL, "sasl_mechanism": "PLAIN", "sasl_password": PASSWORD},
    "token": {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_token_hook": "hooks_module:token",
    },
    "token in plain text": {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_token_hook": "hooks_module:token",
    },
}


@pytest.mark.usefixtures("workdir")
@pytest.mark.parametrize("way", WAYS)
def test_faust_and_kafka_python_get_the_same_arguments(way: str) -> None:
    if "SSL" in WAYS[way]["security_protocol"]:
        access = load_access(load_settings(tls_ca_file="ca.pem", **WAYS[way]))
        assert access.tls is not None
        assert (access.tls.verify_mode, access.tls.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert access.tls.minimum_version >= ssl.TLSVersion.TLSv1_2
        assert [certificate["subject"] for certificate in access.tls.get_ca_certs()] == [
            ((("commonName", "test authority"),),)
        ]
    else:
        access = load_access(load_settings(**WAYS[way]))
        assert access.tls is None
    kafka_python = access.for_kafka_python()
    assert kafka_python["security_protocol"] == WAYS[way]["security_protocol"]
    assert (kafka_python.get("sasl_plain_username"), kafka_python.get("sasl_plain_password")) == (
        ("reader", PASSWORD) if "sasl_username" in WAYS[way] else (None, None)
    )
    faust = {name: value for name, value in credentials_to_aiokafka_auth(faust_credentials(access)).items() if value}
    for arguments in (faust, access.for_aiokafka()):
        tokens = arguments.pop("sasl_oauth_token_provider", None)
        if tokens is not None:
            assert asyncio.run(tokens.token()) == "a.b.c"
    tokens = kafka_python.pop("sasl_oauth_token_provider", None)
    assert (tokens.token() if tokens else None) == ("a.b.c" if "sasl_token_hook" in WAYS[way] else None)
    assert kafka_python == faust


def test_the_host_name_check_can_be_disabled_but_not_the_signature_check() -> None:
    access = load_access(load_settings(security_protocol="SSL", tls_check_hostname=False))
    assert access.tls is not None
    assert (access.tls.verify_mode, access.tls.check_hostname) == (ssl.CERT_REQUIRED, False)


# Messages about mistakes

TLS = {"security_protocol": "SSL"}
TOKEN = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"tls_ca_file": "ca.pem"}, "STREAM_TLS_CA_FILE is set, but STREAM_SECURITY_PROTOCOL=PLAINTEXT has no TLS"),
    ({"sasl_username": "a"}, "STREAM_SASL_USERNAME is set, but STREAM_SECURITY_PROTOCOL=PLAINTEXT has no log-in"),
    (
        {**TLS, "sasl_mechanism": "PLAIN"},
        "STREAM_SASL_MECHANISM is set, but STREAM_SECURITY_PROTOCOL=SSL has no log",
    ),
    ({**TLS, "tls_ca_file": "gone.pem"}, "STREAM_TLS_CA_FILE=gone.pem: No such file or directory"),
    ({**TLS, "tls_ca_file": "password"}, "STREAM_TLS_CA_FILE=password: contains no PEM certificate"),
    ({**TLS, "tls_ca_file": "."}, "STREAM_TLS_CA_FILE=."),
    ({**TLS, "tls_cert_file": "gone.pem"}, "STREAM_TLS_CERT_FILE=gone.pem: No such file or directory"),
    (
        {**TLS, "tls_cert_file": "client.crt", "tls_key_file": "gone.key"},
        "STREAM_TLS_KEY_FILE=gone.key: No such file or directory",
    ),
    ({**TLS, "tls_key_file": "client.key"}, "STREAM_TLS_KEY_FILE is set without STREAM_TLS_CERT_FILE"),
    (
        {**TLS, "tls_cert_file": "client.crt", "tls_key_file": "other.key"},
        "STREAM_TLS_CERT_FILE=client.crt, STREAM_TLS_KEY_FILE=other.key: the key does not belong to the certificate",
    ),
    ({**TLS, "tls_cert_file": "password"}, "STREAM_TLS_CERT_FILE=password: contains no PEM certificate and key"),
    (
        {**TLS, "tls_cert_file": "client.crt", "tls_key_file": "client.encrypted.key"},
        "the key is encrypted, and STREAM_TLS_KEY_PASSWORD_FILE is not set",
    ),
    (
        {**TLS, "tls_cert_file": "client.crt", "tls_key_file": "client.encrypted.key", "tls_key_password": PASSWORD},
        "the key is encrypted, and STREAM_TLS_KEY_PASSWORD_FILE does not decrypt it",
    ),
    ({"security_protocol": "SASL_SSL"}, "STREAM_SASL_MECHANISM is not set, and SASL_SSL needs one"),
    ({**SASL, "sasl_username": None, "sasl_password": PASSWORD}, "STREAM_SASL_USERNAME is not set, and SCRAM-SHA-512"),
    (SASL, "STREAM_SASL_PASSWORD_FILE is not set, and SCRAM-SHA-512 needs it"),
    ({**SASL, "sasl_password": ""}, "STREAM_SASL_PASSWORD: empty"),
    ({**SASL, "sasl_password_file": "empty"}, "STREAM_SASL_PASSWORD_FILE=empty: empty"),
    ({**SASL, "sasl_password_file": "latin"}, "STREAM_SASL_PASSWORD_FILE=latin: not UTF-8"),
    ({**SASL, "sasl_password_file": "gone"}, "STREAM_SASL_PASSWORD_FILE=gone: No such file or directory"),
    (
        {**SASL, "sasl_password": PASSWORD, "sasl_password_file": "password"},
        "STREAM_SASL_PASSWORD and STREAM_SASL_PASSWORD_FILE are both set: unset one",
    ),
    (
        {**SASL, "sasl_password": PASSWORD, "sasl_token_hook": "hooks_module:token"},
        "STREAM_SASL_TOKEN_HOOK is used with OAUTHBEARER only, not with SCRAM-SHA-512: unset it",
    ),
    (TOKEN, "STREAM_SASL_TOKEN_HOOK is not set, and OAUTHBEARER needs it: module:function"),
    (
        {**TOKEN, "sasl_token_hook": "hooks_module:none"},
        "STREAM_SASL_TOKEN_HOOK=hooks_module:none: hooks_module has no",
    ),
    ({**TOKEN, "sasl_token_hook": "hooks_module:number"}, "hooks_module has no function number"),
    ({**TOKEN, "sasl_token_hook": "missing_module:token"}, "missing_module cannot be imported (ModuleNotFoundError)"),
    ({**TOKEN, "sasl_token_hook": "broken_module:token"}, "broken_module cannot be imported (ZeroDivisionError)"),
    (
        {**TOKEN, "sasl_token_hook": "hooks_module:token", "sasl_password": PASSWORD},
        "STREAM_SASL_PASSWORD is not used with OAUTHBEARER: unset it",
    ),
]


@pytest.mark.usefixtures("workdir")
@pytest.mark.parametrize(("wrong", "expected"), MISTAKES, ids=lambda value: value if isinstance(value, str) else "")
def test_settings_that_contradict_each_other_are_reported(wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_access(load_settings(**wrong))
    head, *lines = str(raised.value).splitlines()
    assert head == "the security settings cannot be used:"
    assert [line for line in lines if line.startswith("  ") and expected in line]
    assert PASSWORD not in str(raised.value)


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load_access(load_settings(security_protocol="SASL_SSL", sasl_mechanism="PLAIN", tls_ca_file="gone.pem"))
    assert [line.split()[0].partition("=")[0] for line in str(raised.value).splitlines()[1:]] == [
        "STREAM_TLS_CA_FILE",
        "STREAM_SASL_USERNAME",
        "STREAM_SASL_PASSWORD_FILE",
    ]


def test_a_command_ends_with_the_exit_code_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_SECURITY_PROTOCOL", "SASL_SSL")
    result = CliRunner().invoke(main, ["topics", "--broker", "127.0.0.1:1"])
    assert result.exit_code == 78, result.output
    assert "STREAM_SASL_MECHANISM is not set" in result.stderr


def test_the_exception_of_a_token_hook_is_not_shown(workdir: Path) -> None:
    (workdir / "leaky_module.py").write_text(f"def token():\n    raise RuntimeError({PASSWORD!r})\n", encoding="utf-8")
    access = load_access(load_settings(**TOKEN, sasl_token_hook="leaky_module:token"))  # noqa: S106 - no secret
    assert access.hook is not None
    with pytest.raises(AccessError, match="the token hook leaky_module:token raised RuntimeError") as raised:
        access.hook.token()
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


# No secret is shown

SECRET_FIELDS = sorted(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))


def test_every_password_is_a_secret() -> None:
    assert SECRET_FIELDS == ["sasl_password", "tls_key_password"]
    named = [name for name in Settings.model_fields if "password" in name or "secret" in name or "token" in name]
    assert {name for name in named if not name.endswith(("_file", "_hook"))} == set(SECRET_FIELDS)


@given(SECRETS)
@patient
def test_settings_do_not_show_secrets(secret: str) -> None:
    settings = load_settings(sasl_password=secret, tls_key_password=secret)
    outputs = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json(), f"{settings}"]
    assert not [text for text in outputs if secret in text]


@given(SECRETS, st.sampled_from(SECRET_FIELDS), st.sampled_from([list, lambda text: {text: text}, str.encode]))
@patient
def test_secrets_of_a_wrong_type_are_not_shown(secret: str, field: str, wrap: Callable[[str], Any]) -> None:
    wrong = [secret] if wrap is list else wrap(secret)
    with pytest.raises(SettingsError) as reported:
        load_settings(**{field: wrong}, window_days=-1)
    assert secret not in str(reported.value)
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({field: wrong, "window_days": -1})
    assert secret not in str(raised.value)


@given(SECRETS, st.sampled_from(["sasl_pasword", "password", "broker_password"]))
@patient
def test_secrets_under_another_name_are_not_shown(secret: str, name: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(**{name: secret})
    assert name in str(raised.value)
    assert secret not in str(raised.value)


@given(SECRETS, st.sampled_from(["kafka://{}@kafka:9092", "reader:{}@kafka:9092", "{}@one:1,two:2", "memory://u:{}@x"]))
@patient
def test_a_password_in_the_broker_address_is_refused_and_not_shown(secret: str, address: str) -> None:
    with pytest.raises(SettingsError, match="cannot contain user and password; set STREAM_SASL_USERNAME") as raised:
        load_settings(broker=address.format(secret))
    assert secret not in str(raised.value)


@given(SECRETS)
@patient
def test_clients_get_the_secret_and_do_not_show_it(secret: str) -> None:
    access = load_access(load_settings(**SASL, sasl_password=secret))
    arguments = access.for_kafka_python()
    assert arguments["sasl_plain_password"] == secret
    assert "\0".join(["", arguments["sasl_plain_password"]]).encode() == b"\0" + secret.encode()
    assert not [value for value in (access, arguments, faust_credentials(access)) if secret in f"{value!r}{value}"]


def test_kafka_python_logs_no_password(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("kafka", "kafka.admin.client"):
        caplog.set_level(logging.DEBUG, logger=name)
    access = load_access(load_settings(**SASL, sasl_password=PASSWORD))
    with pytest.raises(KafkaConfigurationError):  # before it connects, and after it has logged its arguments
        KafkaAdminClient(no_such_argument=True, **access.for_kafka_python())
    assert "reader" in caplog.text
    assert PASSWORD not in caplog.text


def test_no_command_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_SASL_PASSWORD", PASSWORD)
    monkeypatch.setenv("STREAM_WINDOW_DAYS", "long")
    for name, _ in commands():
        results = [CliRunner().invoke(main, [name, "--help"])]
        results += [CliRunner().invoke(main, [name])] if name in ("topics", "produce") else []
        assert not [result for result in results if PASSWORD in result.output]


# Nothing is fetched, nothing is run

_PAGE = """<!DOCTYPE html SYSTEM "http://127.0.0.1:{port}/x.dtd" [<!ENTITY x SYSTEM "file:///etc/hostname">]>
<html><head><base href="http://127.0.0.1:{port}/"><link rel="stylesheet" href="http://127.0.0.1:{port}/s.css">
<script src="http://127.0.0.1:{port}/s.js"></script><meta http-equiv="refresh" content="0;url=http://127.0.0.1:{port}/">
<link rel="canonical" href="http://127.0.0.1:{port}/a"></head><body background="http://127.0.0.1:{port}/b.png">
<article><h1>The bridge of Aldena</h1><p>&x; {words}</p><img src="http://127.0.0.1:{port}/i.png">
<iframe src="http://127.0.0.1:{port}/"></iframe><object data="file:///etc/passwd"></object>
<xi:include href="file:///etc/passwd" xmlns:xi="http://www.w3.org/2001/XInclude"/></article></body></html>"""


class Fetched(Exception):
    """Something that an article names was opened."""


@pytest.fixture
def unused_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Yield a port and check that nothing connected to it, neither through Python's sockets nor from a C library."""
    server = socket.create_server(("127.0.0.1", 0))

    def refuse(*_: object, **__: object) -> None:
        raise Fetched

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(f"socket.socket.{name}", refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(f"socket.{name}", refuse)
    with server:
        yield server.getsockname()[1]
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "beginning", ["", '<?xml version="1.0"?>', '<?xml-stylesheet href="http://127.0.0.1:{port}/"?>']
)
def test_nothing_that_a_page_links_to_is_fetched(unused_port: int, beginning: str) -> None:
    words = " ".join(f"The council of Aldena met on bridge number {number} and argued." for number in range(40))
    page = (beginning + _PAGE).replace("{words}", words).replace("{port}", str(unused_port))
    article = orjson.dumps({"url": "https://paper.example/a", "html": page})
    flow = OfflineFlow(window_ms=DAY_MS)
    published = b"".join(
        output.value or b""
        for outcomes in flow.run([article], now="2026-01-01T00:00:00Z")
        for outcome in outcomes
        for output in outcome.outputs
    )
    assert b"The council of Aldena met on bridge number 7" in published
    for file in (Path("/etc/passwd"), Path("/etc/hostname")):
        if file.is_file() and (first := file.read_bytes().split(b"\n")[0]):
            assert first not in published


def test_no_module_executes_data() -> None:
    """Neither pickle nor any other module that turns data into code is imported."""
    forbidden = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "yaml", "xmlrpc"}
    calls = {"eval", "exec", "compile", "__import__"}
    violations: list[str] = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names: set[str] = set()
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names} & forbidden
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").partition(".")[0]} & forbidden
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = {node.func.id} & calls
            violations += [f"{path.name}: {name}" for name in names]
    assert violations == []


def test_the_web_server_listens_on_the_loopback_address_by_default() -> None:
    assert Settings().web_host == "127.0.0.1"
