"""A backup as one file: a tar with a manifest that says what is in it and what each part's sum is."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from relay.adapters.store.sqlite_copy import sync

FORMAT = 1
MANIFEST = "manifest.json"
_PIECE = 1 << 20


class Unusable(Exception):
    """The file is no backup, or not the whole of one; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    made_at: str
    """ISO 8601, UTC."""
    release: str
    store: str
    """sqlite | postgresql."""
    revision: str
    """Of the store's schema."""
    keys: Mapping[str, str]
    """Key id to fingerprint: the ring it needs. The keys themselves are in no backup."""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of each table, on PostgreSQL."""
    sums: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each part, hex."""
    format: int = FORMAT


def write(target: Path, manifest: Manifest, parts: Mapping[str, Path]) -> None:
    """The whole backup or none of it, 0600, durable on return; OSError."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    sums = {name: _sum(path) for name, path in parts.items()}
    told = orjson.dumps(asdict(manifest) | {"sums": sums}, option=orjson.OPT_INDENT_2)
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                head = tarfile.TarInfo(MANIFEST)
                head.size, head.mode = len(told), 0o600
                tar.addfile(head, io.BytesIO(told))
                for name, path in parts.items():
                    tar.add(path, name, recursive=False)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
        sync(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def read(source: Path, folder: Path) -> tuple[Manifest, dict[str, Path]]:
    """Unpack into a folder; every part is whole. Unusable, OSError."""
    try:
        with tarfile.open(source, mode="r:") as tar:
            manifest = _manifest(tar)
            return manifest, {name: _part(tar, name, folder, wanted) for name, wanted in manifest.sums.items()}
    except (tarfile.TarError, EOFError) as broken:
        raise Unusable(f"{source} is no backup: {broken}") from broken


def _manifest(tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    file = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if file is None:
        raise Unusable("it has no manifest")
    try:
        manifest = Manifest(**orjson.loads(file.read(_PIECE)))
    except (orjson.JSONDecodeError, TypeError) as broken:
        raise Unusable("its manifest cannot be read") from broken
    if manifest.format != FORMAT:
        raise Unusable(f"its format is {manifest.format}, this release knows {FORMAT}")
    return manifest


def _part(tar: tarfile.TarFile, name: str, folder: Path, wanted: str) -> Path:
    """Copied by ourselves: a tar may name any path."""
    place = folder / name.replace("/", "_")
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise Unusable(f"{name} is missing")
    with os.fdopen(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
        while piece := file.read(_PIECE):
            out.write(piece)
    if _sum(place) != wanted:
        raise Unusable(f"{name} is damaged")
    return place


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
