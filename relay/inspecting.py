"""What addresses are judged by when they come in: lists, limits and DNS, built from Settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from config.lists import lines
from config.schema import Imports as ImportSettings
from config.schema import Settings
from policies.imports.batch import Limits, Ramp, Tolerance
from policies.imports.mail_domain import MailDomains
from policies.imports.row import RowJudge
from policies.imports.typo import Typos
from relay.adapters.disposable import disposable_domains
from relay.adapters.dns import DnsResolver
from relay.adapters.store.import_target import Terms
from relay.permission.domains import DomainChecks
from relay.permission.imports import Inspection


def inspection(settings: Settings, source: str, at: datetime, own_domains: frozenset[str]) -> Inspection:
    """For one file or one address; `at` is when it came. OSError where the trap file cannot be read."""
    domains = MailDomains(disposable_domains(), Typos(lines("mail_domains.txt"), lines("mail_domains_near.txt")))
    max_age = timedelta(days=settings.imports.max_age_days)
    roles = frozenset(lines("role_names.txt"))
    resolver = DnsResolver(settings.dns.servers, settings.dns.timeout) if settings.dns.check_domains else None
    return Inspection(
        RowJudge(source, at, max_age, roles, own_domains, domains),
        limits(settings.imports),
        traps(settings.imports.traps),
        DomainChecks(resolver),
    )


def limits(imports: ImportSettings) -> Limits:
    """From which size a batch is scored, and when it is held."""
    percent = {
        "roles": imports.hold_roles,
        "dead domains": imports.hold_dead_domains,
        "disposable": imports.hold_disposable,
        "duplicates": imports.hold_duplicates,
        "typos": imports.hold_typos,
        "traps": imports.hold_traps,
        "machine-like": imports.hold_machine_like,
    }
    return Limits(imports.min_rows, percent)


def terms(imports: ImportSettings) -> Terms:
    """How an import is let in."""
    ramp = Ramp(imports.ramp_percent, imports.ramp_first_day)
    return Terms(imports.min_rows, timedelta(days=imports.max_age_days), ramp)


def tolerance(imports: ImportSettings) -> Tolerance:
    """What may come of a batch."""
    return Tolerance(imports.min_rows, imports.stop_complaints, imports.stop_bounces, imports.stop_opt_outs)


def traps(path: Path | None) -> frozenset[str]:
    """Addresses and domains of the platform's trap file, lower case."""
    if path is None:
        return frozenset()
    found = (line.strip().lower().removeprefix("@") for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in found if line and not line.startswith("#"))
