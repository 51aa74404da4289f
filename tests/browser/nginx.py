"""A real nginx with TLS before the site, configured as docs/proxy.md says."""

import base64
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

MANUAL = Path(__file__).parents[2] / "docs" / "proxy.md"
READY_WITHIN_S = 10.0
MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate of 127.0.0.1; ``spki`` is how Chromium is told to take its key."""

    path: Path
    key_path: Path
    spki: str


@dataclass(frozen=True)
class Proxied:
    """Where nginx listens: it passes the base path on, or takes it away."""

    passing: str
    stripping: str


def new_certificate(folder: Path) -> Certificate:
    """A certificate with its key in the folder, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(hours=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / "site.pem", folder / "site.key"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Certificate(path, key_path, base64.b64encode(sha256(public).digest()).decode())


@contextmanager
def running_nginx(
    folder: Path, site_url: str, certificate: Certificate, ports: tuple[int, int]
) -> Iterator[Proxied]:
    """nginx before the site, whose address ends with its base path, on two ports."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert program, "nginx is not here: apt-get install nginx-light"
    site = urlsplit(site_url)
    passing, stripping = ports
    servers = [
        _server(site.netloc, site.path, certificate, passing),
        _stripped(_server(site.netloc, site.path, certificate, stripping), site.path),
    ]
    config = folder / "nginx.conf"
    config.write_text(MAIN.format(folder=folder, servers="\n".join(servers)))
    errors = folder / "error.log"
    command = [program, "-p", str(folder), "-c", str(config), "-e", str(errors)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for port in ports:
            _wait_for(port, process, errors)
        yield Proxied(*(f"https://127.0.0.1:{port}{site.path}" for port in ports))
    finally:
        process.terminate()
        process.wait(10)


def _server(netloc: str, base: str, certificate: Certificate, port: int) -> str:
    """The manual's block, with this site's addresses and files."""
    (block,) = re.findall(r"```nginx\n(server .*?)```", MANUAL.read_text(), re.DOTALL)
    changes = {
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "/etc/ssl/example.org.pem": str(certificate.path),
        "/etc/ssl/example.org.key": str(certificate.key_path),
        "127.0.0.1:8000": netloc,
        "/vidwiz/": f"{base}/",
    }
    return _changed(str(block), changes)


def _stripped(server: str, base: str) -> str:
    """The same, as the manual has it for a proxy that takes the base path away."""
    (lines,) = re.findall(r"```nginx\n( +proxy_pass .*?)```", MANUAL.read_text(), re.DOTALL)
    slash, name = str(lines).strip().splitlines()
    assert slash.endswith("/;")
    (passes,) = re.findall(r"proxy_pass [^;]*", server)
    unnamed = 'proxy_set_header X-Forwarded-Prefix "";'
    return _changed(server, {passes: f"{passes}/", unnamed: name.strip().replace("/vidwiz", base)})


def _changed(text: str, changes: dict[str, str]) -> str:
    for before, after in changes.items():
        assert before in text, f"docs/proxy.md has no {before}"
        text = text.replace(before, after)
    return text


def _wait_for(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"nginx did not start:\n{errors.read_text()}")
