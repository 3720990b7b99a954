"""What a reload changes: which settings take effect at once, which need a restart, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from config.keys import Key, shape_of, spell
from config.schema import Settings
from config.secrets import masked
from config.validation import plain, values_of

STATE = "serve.json"
"""In data_dir: how many reloads the running serve has done, and what the last one did."""

LIVE: tuple[Key, ...] = (
    ("policy",),
    ("imports",),
    ("tls",),
    ("limits", "sandbox_per_day"),
    ("streams",),
    ("notices",),
)
"""What a running process takes over; everything else is read at its start."""
_AT_START: tuple[Key, ...] = tuple(
    ("policy", rule) for rule in ("consent", "consent.withdrawn", "consent.complained", "consent.unreachable")
)
"""Rules that the queue asks too: it keeps their mode for its life."""

Change = tuple[str, str, str]
"""A key as relay.toml spells it, its old value, its new one; secrets are masked."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between two settings."""

    live: tuple[Change, ...]
    restart: tuple[Change, ...]

    @classmethod
    def between(cls, old: Settings, new: Settings) -> Changes:
        before, after = dict(_leaves(old)), dict(_leaves(new))
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        told = {key: (spell(key), before.get(key, "-"), after.get(key, "-")) for key in keys}
        return cls(
            tuple(told[key] for key in keys if is_live(key)), tuple(told[key] for key in keys if not is_live(key))
        )


def is_live(key: Key) -> bool:
    return any(key[: len(one)] == one for one in LIVE) and not any(key[: len(one)] == one for one in _AT_START)


def in_force(old: Settings, new: Settings) -> Settings:
    """What the processes go by after the reload."""
    at_start = {rule for _, rule in _AT_START}
    policy = {name: table for name, table in new.policy.items() if name not in at_start}
    policy |= {name: table for name, table in old.policy.items() if name in at_start}
    limits = replace(old.limits, sandbox_per_day=new.limits.sandbox_per_day)
    return replace(
        old,
        policy=policy,
        imports=new.imports,
        tls=new.tls,
        limits=limits,
        streams=new.streams,
        notices=new.notices,
    )


def _leaves(settings: Settings) -> Iterator[tuple[Key, str]]:
    for key, value in values_of(plain(settings), shape_of(Settings)):
        yield key, masked(value) if isinstance(value, str) else orjson.dumps(value).decode()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reload, once every process has answered."""

    live: tuple[Change, ...] = ()
    restart: tuple[Change, ...] = ()
    processes: int = 0
    """That took the settings over."""
    trouble: tuple[str, ...] = ()
    """What a process could not do, or that it did not answer."""
    refused: str = ""
    """The file's mistakes: the old settings are in force."""


@dataclass(frozen=True, slots=True)
class State:
    """What the running serve says of itself."""

    reloads: int
    outcome: Outcome


def write_state(data_dir: Path, state: State) -> None:
    """Whole or not at all, 0600; OSError."""
    part = data_dir / f".{STATE}.{os.getpid()}"
    with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(orjson.dumps(asdict(state)))
    part.rename(data_dir / STATE)


def read_state(data_dir: Path) -> State:
    """OSError or ValueError where there is none."""
    told = orjson.loads((data_dir / STATE).read_bytes())
    outcome: Mapping[str, list[list[str]]] = told["outcome"]
    return State(
        told["reloads"],
        Outcome(
            _changes(outcome["live"]),
            _changes(outcome["restart"]),
            told["outcome"]["processes"],
            tuple(told["outcome"]["trouble"]),
            told["outcome"]["refused"],
        ),
    )


def _changes(rows: list[list[str]]) -> tuple[Change, ...]:
    return tuple((key, old, new) for key, old, new in rows)
