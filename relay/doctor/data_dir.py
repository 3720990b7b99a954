"""The data directory: there, writable, nobody else's to read, with room to write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

import relay
from config.schema import Settings
from relay.doctor.finding import Finding, error, info, ok, warning
from relay.smtp.certificate import SELF_SIGNED

MEGABYTE = 1_048_576
LITTLE, FULL = 1024 * MEGABYTE, 100 * MEGABYTE
"""Octets free below which the disk is warned of, and called full."""
FEW_FILES = 1000
"""Files that may still be made below which the disk counts as full."""
TOLERANCE = timedelta(minutes=5)


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    folder = settings.data_dir
    if not os.path.isdir(folder):
        yield info("data_dir.missing", f"{folder} is not there yet; the first start makes it")
        folder = nearest(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        what = f"{folder} cannot be written to by this user"
        yield error("data_dir.not_writable", what, "run as the relay's own user, or give the folder to it")
    yield from _permissions(settings)
    yield _room(folder)
    yield _clock(settings, now)


def nearest(folder: Path) -> Path:
    """The folder itself, else the parent that would hold it."""
    return next(one for one in (folder, *folder.parents) if os.path.isdir(one))


def secrets(settings: Settings) -> list[Path]:
    """Files that only the relay may read: token keys, DKIM keys, TLS key, the store."""
    folder = settings.data_dir
    found = [*folder.glob("keys/*"), *folder.glob("dkim/*"), folder / SELF_SIGNED]
    found += [settings.tls.key] if settings.tls.key else []
    url = make_url(settings.store.url)
    if url.get_backend_name() == "sqlite" and url.database:
        found += [Path(f"{url.database}{suffix}") for suffix in ("", "-wal", "-shm")]
    return [one for one in found if os.path.isfile(one)]


def _permissions(settings: Settings) -> Iterator[Finding]:
    files = secrets(settings)
    exposed = [one for one in files if one.stat().st_mode & 0o077]
    for one in exposed:
        mode = one.stat().st_mode & 0o777
        what = f"{one} holds secrets and others may read it (mode {mode:04o})"
        yield error("data_dir.permissions", what, f"chmod 600 {one}")
    for folder in (settings.data_dir, settings.data_dir / "keys", settings.data_dir / "dkim"):
        if folder.is_dir() and folder.stat().st_mode & 0o077:
            what = f"others may look into {folder} (mode {folder.stat().st_mode & 0o777:04o})"
            yield warning("data_dir.open", what, f"chmod 700 {folder}")
    if files and not exposed:
        yield ok("data_dir.permissions", f"{len(files)} files with secrets are the relay's alone")


def _room(folder: Path) -> Finding:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    what = f"{free // MEGABYTE:,} MiB are free at {folder}"
    # File systems without inode tables say 0 of 0.
    if free < FULL or (disk.f_files and disk.f_favail < FEW_FILES):
        return error("disk.full", f"{what}, room for {disk.f_favail:,} files", "make room: nothing can be queued")
    if free < LITTLE:
        return warning("disk.space", what, "make room: a queue of a day with a smarthost away needs more")
    return ok("disk.space", what)


def _clock(settings: Settings, now: datetime) -> Finding:
    """A clock that lies before this program, or before what it has written, is wrong."""
    witnesses = [Path(relay.__file__), *secrets(settings)]
    latest = max(witnesses, key=lambda one: one.stat().st_mtime)
    behind = timedelta(seconds=latest.stat().st_mtime - now.timestamp())
    if behind > TOLERANCE:
        what = f"this machine says {now:%d %b %Y %H:%M} UTC, and {latest} was written later"
        return error("clock.behind", what, "set the clock, and keep it by NTP: signatures and permissions bear dates")
    return ok("clock", f"{now:%d %b %Y %H:%M} UTC")
