"""The keys that tokens are signed with: one 0600 file per key id, never replaced, never thrown away."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_KEY_SIZE, _LAST_KEY = 32, 255


class KeyRing:
    """The token keys in data_dir/keys: one 0600 file per key id. The newest signs, all verify, for ever."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        if not keys:
            raise ValueError("a key ring holds at least one key")
        self.keys = keys
        self.current = max(keys)

    @classmethod
    def open(cls, folder: Path) -> KeyRing:
        """Read the ring, making its first key where there is none; OSError where it cannot be read."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(folder.glob("*.key")):
            _write_key(folder / "001.key", os.urandom(_KEY_SIZE))
        return cls.read(folder)

    @classmethod
    def read(cls, folder: Path) -> KeyRing:
        """The ring as it is; ValueError where there is none."""
        return cls(_read_ring(folder))

    @classmethod
    def fingerprints_in(cls, folder: Path) -> dict[int, str]:
        """By key id, of the ring as it is; empty where there is none. OSError where it cannot be read."""
        return {number: fingerprint(key) for number, key in _read_ring(folder).items()}

    @classmethod
    def rotate(cls, folder: Path) -> int:
        """Make the key that signs from now on; its number. Older keys stay: their links work for ever."""
        number = cls.open(folder).current + 1
        if number > _LAST_KEY:
            raise ValueError("a token has room for 255 keys, and all are used")
        _write_key(folder / f"{number:03}.key", os.urandom(_KEY_SIZE))
        return number

    @classmethod
    def add(cls, folder: Path, number: int, key: bytes) -> None:
        """Put back a key of the ring; nothing happens where its number is taken."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_key(folder / f"{number:03}.key", key)


def fingerprint(key: bytes) -> str:
    """Tells keys apart and says nothing else of them."""
    return hashlib.sha256(b"fingerprint:" + key).hexdigest()[:16]


def _read_ring(folder: Path) -> dict[int, bytes]:
    return {int(path.stem): path.read_bytes() for path in sorted(folder.glob("*.key"))}


def _write_key(path: Path, key: bytes) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # never replaces a key another process has just made
    except FileExistsError:
        pass
    finally:
        draft.unlink()
