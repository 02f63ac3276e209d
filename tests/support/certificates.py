"""A certificate authority for tests, made with openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

KEY_PASSWORD: Final = "opens-the-key-7c1f"  # noqa: S105 - of tests

_CONFIG: Final = """\
[ca]
default_ca = own
[own]
dir = {folder}
new_certs_dir = $dir
database = $dir/index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
x509_extensions = authority
[name]
CN = {name}
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class Authority:
    """Signs certificates; ``ca`` is the file of its own certificate."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.ca = folder / "ca.pem"
        (folder / "index.txt").touch()
        config = self._write_config(name, "DNS:none")
        self._run_openssl(
            "req", "-x509", "-new", *_NEW_KEY, "ca.key", "-days", "2", "-config", config, "-out", "ca.pem"
        )

    def sign(self, name: str, *, names: str = "IP:127.0.0.1", end: str = "20990101000000Z") -> Path:
        """Create a key and certificate, valid until ``end``; return the file with both."""
        config = self._write_config(name, names)
        self._run_openssl("req", "-new", *_NEW_KEY, f"{name}.key", "-config", config, "-out", f"{name}.csr")
        signing = (
            "-batch",
            "-notext",
            "-config",
            config,
            "-extensions",
            "leaf",
            "-cert",
            "ca.pem",
            "-keyfile",
            "ca.key",
        )
        dates = ("-startdate", "20200101000000Z", "-enddate", end)
        self._run_openssl("ca", *signing, *dates, "-in", f"{name}.csr", "-out", f"{name}.crt")
        combined = self.folder / f"{name}.pem"
        combined.write_bytes((self.folder / f"{name}.key").read_bytes() + (self.folder / f"{name}.crt").read_bytes())
        return combined

    def write_encrypted_key(self, name: str) -> Path:
        """Write the key of ``name`` encrypted with KEY_PASSWORD."""
        self._run_openssl(
            *("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{KEY_PASSWORD}"),
            *("-in", f"{name}.key", "-out", f"{name}.encrypted.key"),
        )
        return self.folder / f"{name}.encrypted.key"

    def _write_config(self, name: str, names: str) -> str:
        path = self.folder / f"{name}.cnf"
        path.write_text(_CONFIG.format(folder=self.folder, name=name, names=names), encoding="utf-8")
        return path.name

    def _run_openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
