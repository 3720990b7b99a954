"""The [imports] table: when a batch is scored and held, how it is let in, when it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from annotated_types import Ge, Le

Positive: TypeAlias = Annotated[int, Ge(1)]
Percent: TypeAlias = Annotated[float, Ge(0.0), Le(100.0)]


@dataclass(frozen=True, slots=True)
class Imports:
    min_rows: Positive = 1000
    """Batch scoring, review and the daily ramp apply from this size; below, recorded only."""
    max_age_days: Positive = 730
    """Permission and contact older than this are not usable (clause 3.4)."""
    ramp_percent: Percent = 10.0
    """Of a new big batch, mailed on its first day at most; twice as much each day after."""
    ramp_first_day: Positive = 10_000
    """Addresses of a batch on its first day at most."""
    traps: Path | None = None
    """A file of addresses and domains, one a line, that never gave anybody permission."""
    hold_roles: Percent = 5.0
    """From here on to hold_machine_like: percent of a batch's rows from which a person must look at it first."""
    hold_dead_domains: Percent = 10.0
    hold_disposable: Percent = 5.0
    hold_duplicates: Percent = 30.0
    hold_typos: Percent = 3.0
    hold_traps: Percent = 0.01
    hold_machine_like: Percent = 30.0
    stop_complaints: Percent = 0.3
    """From here on to stop_opt_outs: percent of a batch's addresses in use from which it is stopped."""
    stop_bounces: Percent = 10.0
    stop_opt_outs: Percent = 20.0
