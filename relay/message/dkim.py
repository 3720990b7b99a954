"""DKIM signatures, relaxed/relaxed with RSA-SHA256, over octets as they leave (RFC 6376, RFC 8301)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from relay.message.header_fields import WIDTH, HeaderFault, header_field, relaxed

SIGNED = (
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "sender",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "list-id",
    "list-unsubscribe-post",
    "feedback-id",
    "cfbl-address",
    "list-unsubscribe",
    "cfbl-feedback-id",
)
"""Fields in h=, each as often as it stands (RFC 6376 §5.4.1, RFC 8058 §4, RFC 9477 §3.1); per recipient last."""
_SIGNED = frozenset(SIGNED)
OVERSIGNED = ("from", "subject", "date", "to", "content-type", "list-unsubscribe", "list-unsubscribe-post")
"""Named once more than they stand, so that none can be added on the way (RFC 6376 §8.15)."""
VARYING = ("list-unsubscribe", "cfbl-feedback-id")
"""Signed fields that differ between the copies of one message."""

_SOME_TIME = 2_000_000_000
_TIME_TAG = b" t=%d;" % _SOME_TIME

_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}\Z")


class SigningFault(Exception):
    """A signature the recipe asks for cannot be made: our own fault, answered 451."""


class Signer(Protocol):
    """One private key with the names its public half is published under."""

    @property
    def domain(self) -> str: ...

    @property
    def selector(self) -> str: ...

    def sign(self, digest: bytes) -> bytes:
        """The PKCS #1 v1.5 signature over a SHA-256 digest."""


class SigningKeys(Protocol):
    """Private keys by the names a recipe gives them."""

    def signer(self, domain: str, selector: str) -> Signer:
        """SigningFault where there is no such key."""


def relaxed_lines(octets: bytes) -> bytes:
    """Whole body lines as RFC 6376 §3.4.4 hashes them; empty lines at the end of the body stay."""
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    while b"  " in octets:  # halves each run: twenty rounds at most for any message
        octets = octets.replace(b"  ", b" ")
    return octets.replace(b" \r\n", b"\r\n")


def ended(canonical: bytes) -> bytes:
    """The last canonical lines of a body without the empty ones; one CRLF ends what is left."""
    text = canonical.rstrip(b"\r\n")
    if text.endswith(b" "):
        text = text.rstrip(b" ")
    return text + b"\r\n" if text else b""


class HeaderSigning:
    """What all copies of one message share: h= and the hash of the fields that do not change."""

    def __init__(self, fields: Sequence[tuple[str, bytes]], varying: Sequence[str]) -> None:
        """`fields`: (lower-case name, octets) from the top, without VARYING; `varying`: which of those will come."""
        # From the bottom up, since of several fields of one name the lowest is signed first (RFC 6376 §5.4.2).
        signed = [one for one in reversed(fields) if one[0] in _SIGNED]
        self._names = (*[name for name, _ in signed], *varying)
        self._hash = hashlib.sha256(b"".join([relaxed(octets) for _, octets in signed]))

    def template(self, signer: Signer, at: int) -> SignatureTemplate:
        """The signature's own field up to its body hash; `at` is t=, seconds since the epoch."""
        before, after, canonical_before, canonical_after = _field_around_time(
            signer.domain, signer.selector, self._names
        )
        time = b"%010d" % at
        return SignatureTemplate(signer, before + time + after, canonical_before + time + canonical_after)

    def header_hash(self, varying: Mapping[str, bytes]) -> hashlib._Hash:
        """The hash of one copy's signed fields; `varying` maps the names given at the start to their octets."""
        state = self._hash.copy()
        for name in VARYING:
            if name in varying:
                state.update(relaxed(varying[name]))
        return state


@lru_cache(maxsize=1024)
def _field_around_time(domain: str, selector: str, names: tuple[str, ...]) -> tuple[bytes, bytes, bytes, bytes]:
    """The DKIM-Signature field up to bh= before and after the digits of t=; both again as they are hashed."""
    if not (_NAME.match(domain) and _NAME.match(selector)):
        raise HeaderFault("a signing domain or selector that is no name")
    begin = f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector}; t={_SOME_TIME};"
    octets = header_field("DKIM-Signature", begin) + _names_tag((*names, *OVERSIGNED)) + b" bh="
    before, _, after = octets.partition(_TIME_TAG)
    canonical_before, _, canonical_after = relaxed(octets)[:-2].partition(_TIME_TAG)
    return before + b" t=", b";" + after, canonical_before + b" t=", b";" + canonical_after


def _names_tag(names: Sequence[str]) -> bytes:
    """h= on lines of its own, folded after colons."""
    line = " h="
    room = WIDTH - len(line)
    written = [line]
    for name in names:
        room -= len(name) + 1
        if room < 0:
            written.append("\r\n  ")
            room = WIDTH - 3 - len(name)
        written.append(name)
        written.append(":")
    written[-1] = ";\r\n"
    return "".join(written).encode("ascii")


@dataclass(slots=True)
class SignatureTemplate:
    """A DKIM-Signature field without its two hashes."""

    signer: Signer
    octets: bytes
    canonical: bytes

    def field(self, header: hashlib._Hash, body_hash: bytes) -> bytes:
        """The whole field; `header` is the state after the signed fields, `body_hash` base64."""
        state = header.copy()
        state.update(self.canonical + body_hash + b"; b=")
        text = base64.b64encode(self.signer.sign(state.digest()))
        lines = [text[at : at + 72] for at in range(0, len(text), 72)]
        return self.octets + body_hash + b";\r\n b=" + b"\r\n  ".join(lines) + b"\r\n"


def sign_own(raw: bytes, keys: SigningKeys, domain: str, selector: str, date: int) -> bytes:
    """A mail of the relay's own with its signature on top; CRLF lines; `date` is t=, seconds since the epoch."""
    header, _, body = raw.partition(b"\r\n\r\n")
    fields = [(one.partition(b":")[0].strip().lower().decode("ascii"), one) for one in _unfolded(header + b"\r\n")]
    varying = {name: octets for name, octets in fields if name in VARYING}
    signing = HeaderSigning([one for one in fields if one[0] not in VARYING], list(varying))
    body_hash = base64.b64encode(hashlib.sha256(ended(relaxed_lines(body))).digest())
    template = signing.template(keys.signer(domain, selector), date)
    return template.field(signing.header_hash(varying), body_hash) + raw


def _unfolded(header: bytes) -> list[bytes]:
    """The fields of a header, each with its folded lines."""
    return re.findall(rb"[^ \t\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", header)
