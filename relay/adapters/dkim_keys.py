"""DKIM private keys as files in data_dir/dkim, one per selector and domain, readable by the relay alone."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic, time_ns

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from relay.message.dkim import SigningFault

KEY_BITS = 2048
"""RFC 8301 §3.2: signers use at least 2048; longer keys do not fit one DNS answer everywhere."""
_BETWEEN = "._domainkey."
_LABELS = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
_FILE = re.compile(rf"({_LABELS})\._domainkey\.({_LABELS})\.(pem|later)\Z")
_PADDING, _DIGEST = PKCS1v15(), Prehashed(SHA256())
_LOOK_EVERY = 0.2
"""Seconds for which a look at the directory holds."""
_FRESH = 100_000_000
"""Nanoseconds within which a second change may leave a directory's time stamp as it was."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key file."""

    domain: str
    selector: str
    path: Path
    signs: bool
    """False: made with --later, its record may not be published yet."""

    @property
    def record_name(self) -> str:
        """Where the public half is published."""
        return f"{self.selector}{_BETWEEN}{self.domain}"


@dataclass(frozen=True, slots=True)
class RsaSigner:
    """A `relay.message.dkim.Signer` over a loaded key."""

    domain: str
    selector: str
    key: RSAPrivateKey = field(repr=False)

    def sign(self, digest: bytes) -> bytes:
        return self.key.sign(digest, _PADDING, _DIGEST)


class KeyDirectory:
    """Every key of the relay; looks at the directory's time stamp at each question and loads a key once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stamp = -1
        self._look_at = 0.0
        self._stored: tuple[StoredKey, ...] = ()
        self._signers: dict[tuple[str, str], RsaSigner] = {}

    def stored(self) -> tuple[StoredKey, ...]:
        """All keys, by domain and newest selector last."""
        self._refresh()
        return self._stored

    def signer(self, domain: str, selector: str) -> RsaSigner:
        """The signer a recipe names, also one that signs no new mail any more; SigningFault where there is none."""
        self._refresh()
        found = self._signers.get((domain, selector))
        if found is not None:
            return found
        for one in self._stored:
            if (one.domain, one.selector) == (domain, selector):
                return self._signers.setdefault((domain, selector), RsaSigner(domain, selector, _load(one.path)))
        raise SigningFault(f"no DKIM key for {selector}{_BETWEEN}{domain}")

    def for_author(self, domain: str) -> tuple[str, str] | None:
        """(domain, selector) to sign mail from this A-label domain with: its own newest key, else a parent's."""
        self._refresh()
        while domain:
            selectors = [one.selector for one in self._stored if one.domain == domain and one.signs]
            if selectors:
                return domain, selectors[-1]
            domain = domain.partition(".")[2]
        return None

    def generate(self, domain: str, at: datetime, *, later: bool = False) -> StoredKey:
        """Makes and stores a key under a selector of the date.

        With `later` it does not sign yet: the next call without `later` lets it sign instead of making another.
        """
        waiting = next((one for one in self.stored() if one.domain == domain and not one.signs), None)
        if waiting is not None and not later:
            return self._activated(waiting)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        for selector in _selectors(at):
            if any(one.domain == domain and one.selector == selector for one in self.stored()):
                continue
            stored = StoredKey(domain, selector, self._path(domain, selector, later=later), not later)
            if _FILE.match(stored.path.name) is None:
                raise ValueError(f"{domain!r} is no domain name in A-labels")
            _write(stored.path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            self._forget()
            return stored
        raise SigningFault(f"too many keys for {domain} on one day")

    def record(self, domain: str, selector: str) -> str:
        """The TXT record's text (RFC 6376 §3.6.1), not yet cut into strings."""
        public = self.signer(domain, selector).key.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode('ascii')}"

    def unsafe(self) -> list[Path]:
        """Key files that others than their owner may read."""
        return [one.path for one in self.stored() if one.path.stat().st_mode & 0o077]

    def _activated(self, waiting: StoredKey) -> StoredKey:
        path = self._path(waiting.domain, waiting.selector, later=False)
        waiting.path.rename(path)
        self._forget()
        return StoredKey(waiting.domain, waiting.selector, path, signs=True)

    def _path(self, domain: str, selector: str, *, later: bool) -> Path:
        return self.directory / f"{selector}{_BETWEEN}{domain}.{'later' if later else 'pem'}"

    def _refresh(self) -> None:
        if monotonic() < self._look_at:
            return
        self._look_at = monotonic() + _LOOK_EVERY if self._stamp >= 0 else 0.0
        try:
            stamp = os.stat(self.directory).st_mtime_ns
        except FileNotFoundError:
            self._stored, self._signers, self._stamp = (), {}, -1
            return
        if stamp == self._stamp:
            return
        self._stored = tuple(self._list())
        kept = {(one.domain, one.selector) for one in self._stored}
        self._signers = {names: signer for names, signer in self._signers.items() if names in kept}
        self._stamp = stamp if time_ns() - stamp > _FRESH else -1

    def _forget(self) -> None:
        self._stamp, self._look_at = -1, 0.0

    def _list(self) -> Iterator[StoredKey]:
        found = [(match, path) for path in self.directory.iterdir() if (match := _FILE.match(path.name))]
        for match, path in sorted(found, key=lambda one: (one[0][2], one[0][1])):
            yield StoredKey(match[2], match[1], path, match[3] == "pem")


def zone_line(name: str, text: str) -> str:
    """A TXT record as a zone file takes it: strings of at most 255 octets (RFC 1035 §3.3.14)."""
    strings = [text[at : at + 255] for at in range(0, len(text), 255)]
    return f"{name}. IN TXT ( " + " ".join([f'"{one}"' for one in strings]) + " )"


def _selectors(at: datetime) -> Iterator[str]:
    yield f"r{at:%Y%m%d}"
    for letter in "bcdefghijklmnopqrstuvwxyz":
        yield f"r{at:%Y%m%d}{letter}"


def is_key_name(name: str) -> bool:
    """Whether a file of the directory holds a key, by its name."""
    return _FILE.match(name) is not None


def put_back(directory: Path, name: str, pem: str) -> bool:
    """A key that was exported, under its own name; whether it was missing."""
    path = directory / name
    if path.exists():
        return False
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, pem.encode("ascii"))
    return True


def _write(path: Path, pem: bytes) -> None:
    """Whole or not at all, 0600 from its first octet on."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _load(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as broken:
        raise SigningFault(f"the DKIM key {path.name} cannot be read") from broken
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS:
        raise SigningFault(f"the DKIM key {path.name} is not RSA of {KEY_BITS} bits or more")
    return key
