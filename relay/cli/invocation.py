"""One call of the command line: its settings, the acting person, and the options several commands share."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from config.load import Loaded, load
from config.schema import Settings

DEFAULT_FILE = Path("relay.toml")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass
class Invocation:
    """What the root command learnt; read through `invocation(ctx)`."""

    config: Path | None
    """From --config or RELAY_CONFIG; None: relay.toml where there is one, else defaults."""
    environ: Mapping[str, str]

    @cached_property
    def loaded(self) -> Loaded:
        """Settings and where they came from; ConfigError (exit 78) where they are wrong."""
        return load(self.path, self.environ)

    @property
    def path(self) -> Path | None:
        return self.config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)

    @property
    def settings(self) -> Settings:
        return self.loaded.settings


def invocation(ctx: typer.Context) -> Invocation:
    """The call a command belongs to."""
    found = ctx.find_object(Invocation)
    assert found is not None, "the root command sets it"
    return found


def operating_user() -> str:
    """The OS user, as the password database names it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def since(text: str, now: datetime | None = None) -> datetime:
    """10m, 2h, 3d (s and w too) before now, or ISO 8601; without an offset it is UTC."""
    if match := re.fullmatch(r"([0-9]{1,6})([smhdw])", text.strip()):
        with suppress(OverflowError):
            return (now or datetime.now(UTC)) - timedelta(**{UNITS[match[2]]: int(match[1])})
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: use 10m, 2h, 3d or 2026-11-05T14:30") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[
    str, typer.Option("--by", default_factory=operating_user, help="Acting person.", show_default="the OS user")
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", parser=since, metavar="TIME", help="10m, 2h, 3d or ISO 8601.", show_default=False),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", parser=since, metavar="TIME", help="10m, 2h, 3d or ISO 8601.", show_default=False),
]
