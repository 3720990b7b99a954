"""Signed tokens: opt-out links, reverse-paths, feedback ids and refusal pages, all stateless (DESIGN.md §6).

A token is 28 octets of claim and a truncated HMAC-SHA-256. In links it is base64url with 128 bits of MAC; in
local parts lower-case base32 with 80 bits, since mail systems may change case. Each claim has one spelling.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum

from policies.address import Address
from relay.key_ring import KeyRing

_VERSION = 1
_LAYOUT = struct.Struct(">BBIIQQH")
_URL_MAC, _LOCAL_MAC, _REFUSAL_MAC = 16, 10, 10
_BLOCK = 64
"""Octets of a SHA-256 block."""
_CORRUPT = (binascii.Error, ValueError)


class Purpose(IntEnum):
    """What a token may be used for; a token of one purpose is refused for any other."""

    OPT_OUT = 1
    """GET/POST /u/TOKEN."""
    OPT_OUT_MAIL = 2
    """The mailto of List-Unsubscribe."""
    BOUNCE = 3
    """The reverse-path of a forwarded copy."""
    FEEDBACK = 4
    """CFBL-Feedback-ID."""
    OWN_BOUNCE = 5
    """The reverse-path of the relay's own mail."""
    CONFIRM = 6
    """GET/POST /c/TOKEN: a double opt-in."""
    MY_MAIL = 7
    """GET/POST /me/TOKEN: everybody who may write to one address."""


@dataclass(slots=True)
class Claim:
    """What a token says: whose copy of which message, under which account and list."""

    purpose: Purpose
    account_id: int
    list_id: int
    """0: no list named."""
    contact_id: int
    message: int
    """The first 64 bits of the message's REF."""
    check: int = 0
    """16 keyed bits of the address: a restored store cannot opt out somebody else."""


@dataclass(slots=True)
class CopyTokens:
    """The tokens one copy bears."""

    opt_out: str
    opt_out_mail: str
    bounce: str
    feedback: str


_LETTERS = {purpose.value: purpose.name[0].lower() for purpose in Purpose}
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _base32(octets: bytes) -> str:
    """RFC 4648 §6 in small letters without padding; the standard library's takes three times as long."""
    signs = (len(octets) * 8 + 4) // 5
    pairs = (signs + 1) // 2
    number = int.from_bytes(octets) << (pairs * 10 - len(octets) * 8)
    text = "".join([_PAIRS[number >> shift & 1023] for shift in range(pairs * 10 - 10, -1, -10)])
    return text[:signs]


class Hmac:
    """HMAC-SHA-256 (RFC 2104) with one key: the key's own blocks are hashed once, each message then costs 2 µs."""

    def __init__(self, key: bytes) -> None:
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in block))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in block))

    def __call__(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def _refusal_mac(key: Hmac, ref: str) -> str:
    return base64.b32encode(key(b"refusal:" + ref.encode())[:_REFUSAL_MAC]).decode().lower()


def _stamped(form: str, at: int) -> bytes:
    return f"stamp:{form}:{at}".encode()


class Tokens:
    """Writes and reads tokens with one key ring. Reading returns None for anything that is not ours."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._hmacs = {number: Hmac(key) for number, key in ring.keys.items()}

    def renew(self, ring: KeyRing) -> None:
        """After a rotation: the newest key signs from here on."""
        self._hmacs = {number: Hmac(key) for number, key in ring.keys.items()}
        self._ring = ring

    def of_copy(self, bounce: Claim, feedback: bool = True) -> CopyTokens:
        """The tokens of one copy, none exchangeable for another; `bounce` is the claim of its reverse-path.

        Without `feedback` there is none for a complaint address.
        """
        rest = self._pack(bounce)[1:]

        def body(purpose: Purpose) -> bytes:
            return bytes((_VERSION << 4 | purpose,)) + rest

        return CopyTokens(
            self._in_link(body(Purpose.OPT_OUT)),
            self._in_local_part(body(Purpose.OPT_OUT_MAIL)),
            self._in_local_part(body(Purpose.BOUNCE)),
            self._in_local_part(body(Purpose.FEEDBACK)) if feedback else "",
        )

    def check_bits(self, address: Address) -> int:
        """16 bits bound to the address, keyed with the ring's first key so that they outlive rotation."""
        first = self._hmacs[min(self._hmacs)]
        return int.from_bytes(first(b"address:" + address.key.encode())[:2])

    def person(self, address: Address) -> str:
        """An address as 32 hex digits that only this ring can make: counts over all accounts hang on it."""
        return self._hmacs[min(self._hmacs)](b"person:" + address.key.encode())[:16].hex()

    def stamp(self, form: str, at: int) -> str:
        """When a form was shown, in seconds since the epoch, sealed for that form."""
        return f"{at}.{self._hmacs[self._ring.current](_stamped(form, at))[:_LOCAL_MAC].hex()}"

    def read_stamp(self, form: str, text: str) -> int | None:
        """The time of a stamp we made for this form, else None."""
        at, _, mac = text.partition(".")
        if not (at.isascii() and at.isdecimal() and len(at) <= 12 and mac.isascii()):
            return None
        sealed = _stamped(form, int(at))
        good = [hmac.compare_digest(one(sealed)[:_LOCAL_MAC].hex(), mac) for one in self._hmacs.values()]
        return int(at) if any(good) else None

    def url(self, claim: Claim) -> str:
        """The token as it stands in a link: 59 characters of base64url."""
        return self._in_link(self._pack(claim))

    def local_part(self, claim: Claim) -> str:
        """The token as a local part: at most 64 octets, its case may be changed on the way."""
        return self._in_local_part(self._pack(claim))

    def read_url(self, text: str, purpose: Purpose) -> Claim | None:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except _CORRUPT:
            return None
        claim = self._open(b"url", sealed, _URL_MAC, purpose)
        return claim if claim and base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() == text else None

    def read_local_part(self, text: str, purpose: Purpose) -> Claim | None:
        prefix, _, token = text.lower().partition("-")
        if prefix != purpose.name[0].lower() or not text.isascii():
            return None
        upper = token.upper()
        try:
            sealed = base64.b32decode(upper + "=" * (-len(upper) % 8))
        except _CORRUPT:
            return None
        claim = self._open(b"mail", sealed, _LOCAL_MAC, purpose)
        return claim if claim and base64.b32encode(sealed).rstrip(b"=").decode() == upper else None

    def refusal(self, ref: str) -> str:
        """REF.MAC, the name of a refusal's own page."""
        return f"{ref}.{_refusal_mac(self._hmacs[self._ring.current], ref)}"

    def read_refusal(self, text: str) -> str | None:
        """The REF of a page name we wrote, else None."""
        ref, _, mac = text.partition(".")
        good = (
            [hmac.compare_digest(_refusal_mac(one, ref), mac) for one in self._hmacs.values()]
            if text.isascii()
            else []
        )
        return ref if any(good) else None

    def _pack(self, claim: Claim) -> bytes:
        return _LAYOUT.pack(
            _VERSION << 4 | claim.purpose,
            self._ring.current,
            claim.account_id,
            claim.list_id,
            claim.contact_id,
            claim.message,
            claim.check,
        )

    def _in_link(self, body: bytes) -> str:
        sealed = binascii.b2a_base64(body + self._mac(b"url", body, _URL_MAC), newline=False)
        return sealed.translate(_URL_SAFE, b"=").decode("ascii")

    def _in_local_part(self, body: bytes) -> str:
        """Its prefix is the purpose's first letter."""
        return f"{_LETTERS[body[0] & 15]}-{_base32(body + self._mac(b'mail', body, _LOCAL_MAC))}"

    def _mac(self, use: bytes, body: bytes, size: int) -> bytes:
        return self._hmacs[body[1]](use + body)[:size]

    def _open(self, use: bytes, sealed: bytes, mac_size: int, purpose: Purpose) -> Claim | None:
        body = sealed[: _LAYOUT.size]
        if len(sealed) != _LAYOUT.size + mac_size or body[1] not in self._ring.keys:
            return None
        if not hmac.compare_digest(self._mac(use, body, mac_size), sealed[_LAYOUT.size :]):
            return None
        head, _key, account_id, list_id, contact_id, message, check = _LAYOUT.unpack(body)
        if head != _VERSION << 4 | purpose:
            return None
        return Claim(purpose, account_id, list_id, contact_id, message, check)
