"""The listeners' certificate and the scheme of links: what clients and readers trust us by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from config.endpoint import Endpoint
from config.schema import Settings
from relay.doctor.finding import Finding, error, info, ok, warning
from relay.smtp.certificate import SELF_SIGNED, CertificateFault, server_context

SOON = timedelta(days=21)
"""A certificate that ends sooner is warned of."""


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Scheme of public_url, then the certificate where a listener uses one."""
    if urlsplit(settings.platform.public_url).scheme == "http":
        yield info(
            "web.plain_http",
            f"links are {settings.platform.public_url}: they open on this machine only",
            "set [platform] public_url to the https address that readers reach",
        )
    else:
        yield ok("web.https", f"links are {settings.platform.public_url}")
    if any(one.tls != "none" for one in settings.listener):
        yield from _certificate(settings, now)


def _certificate(settings: Settings, now: datetime) -> Iterator[Finding]:
    path, key = settings.tls.certificate or settings.data_dir / SELF_SIGNED, settings.tls.key
    if settings.tls.certificate is None and not path.exists():
        yield info("tls.self_signed", "there is no certificate; the first start makes a self-signed one for loopback")
        return
    try:
        server_context(path, key)
        certificate = x509.load_pem_x509_certificate(_first_certificate(path))
    except (CertificateFault, OSError, ValueError) as fault:
        yield error(
            "tls.certificate_unusable", f"the certificate cannot be used: {fault}", "set [tls] certificate and key"
        )
        return
    yield from _validity(certificate, path, now)
    yield from _names(certificate, settings)


def _first_certificate(path: Path) -> bytes:
    begin = b"-----BEGIN CERTIFICATE-----"
    return begin + path.read_bytes().partition(begin)[2]


def _validity(certificate: x509.Certificate, path: Path, now: datetime) -> Iterator[Finding]:
    ends, renew = certificate.not_valid_after_utc, "renew it, then `kill -HUP` the relay"
    if ends <= now:
        yield error("tls.certificate_expired", f"{path} ended on {ends:%d %b %Y}", renew)
    elif certificate.not_valid_before_utc > now:
        begins = certificate.not_valid_before_utc
        yield error(
            "tls.certificate_early", f"{path} begins on {begins:%d %b %Y} only", "look at this machine's clock"
        )
    elif ends - now < SOON:
        yield warning("tls.certificate_expires", f"{path} ends on {ends:%d %b %Y}", renew)
    else:
        yield ok("tls.certificate", f"{path} is good until {ends:%d %b %Y}")


def _names(certificate: x509.Certificate, settings: Settings) -> Iterator[Finding]:
    """Clients beyond loopback check issuer and name."""
    if all(Endpoint.parse(one.bind).loopback for one in settings.listener if one.tls != "none"):
        return
    if certificate.issuer == certificate.subject:
        what = "the certificate is self-signed and a listener takes clients from outside: they will not trust it"
        yield warning("tls.self_signed", what, "get a certificate from an authority that mail clients know")
    if not _covers(certificate, settings.hostname):
        what = f"the certificate does not name {settings.hostname}"
        yield warning(
            "tls.name_mismatch", what, "set hostname to a name of the certificate, or get one that names it"
        )


def _covers(certificate: x509.Certificate, hostname: str) -> bool:
    """RFC 9525 §6.3: a wildcard stands for one whole leftmost label."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    wanted = hostname.lower()
    return any(one.lower() in (wanted, f"*.{wanted.partition('.')[2]}") for one in names)
