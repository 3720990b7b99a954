"""The listeners' certificate: TLS 1.2 or newer, reloadable, made up on loopback where none is given (row 36b)."""

from __future__ import annotations

import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SELF_SIGNED = "self-signed.pem"
"""In data_dir: key and certificate in one file, so that several workers can only ever see both."""


class CertificateFault(Exception):
    """Certificate and key cannot be used; the message says why without showing either."""


def server_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """RFC 8996: nothing below TLS 1.2; no renegotiation, no compression."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    load(context, certificate, key)
    return context


def load(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Handshakes from now on use this pair; a bad one raises CertificateFault and changes nothing."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        what = getattr(error, "strerror", None) or getattr(error, "reason", None) or "unusable"
        raise CertificateFault(f"{certificate}: {what}") from None


def _no_password() -> str:
    """OpenSSL would ask the terminal for it."""
    raise ValueError("the key is encrypted")


def self_signed(data_dir: Path, hostname: str) -> Path:
    """The pair in data_dir, made at the first start. Whoever comes first wins, the others use that one."""
    place = data_dir / SELF_SIGNED
    if place.exists():
        return place
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=data_dir, prefix=".self-signed-")  # 0600 from the start
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_pair(hostname))
        os.link(name, place)
    except FileExistsError:
        return place
    finally:
        os.unlink(name)
    return place


def _pair(hostname: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.now(UTC)
    names = [x509.DNSName(hostname), x509.DNSName("localhost")]
    loopback = [x509.IPAddress(ip_address("127.0.0.1")), x509.IPAddress(ip_address("::1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([*names, *loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
