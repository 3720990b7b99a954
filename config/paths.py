"""Relative paths become absolute, against the folder of relay.toml; names take their one spelling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.schema import Settings

SQLITE, MAILDIR = "sqlite:///", "maildir:"


def resolve_paths(settings: Settings, folder: Path) -> Settings:
    """The same settings, good from any working directory."""
    tls, log = settings.tls, settings.log
    return replace(
        settings,
        hostname=settings.hostname.lower(),
        data_dir=folder / settings.data_dir,
        platform=replace(
            settings.platform,
            mail_domain=settings.platform.mail_domain.lower(),
            public_url=settings.platform.public_url.rstrip("/"),
        ),
        tls=replace(
            tls,
            certificate=tls.certificate and folder / tls.certificate,
            key=tls.key and folder / tls.key,
        ),
        imports=replace(settings.imports, traps=settings.imports.traps and folder / settings.imports.traps),
        log=replace(log, file=log.file and folder / log.file),
        store=replace(settings.store, url=_absolute(settings.store.url, SQLITE, folder)),
        smarthost=tuple(replace(one, url=_absolute(one.url, MAILDIR, folder)) for one in settings.smarthost),
    )


def _absolute(url: str, scheme: str, folder: Path) -> str:
    """sqlite:///var/relay.db to sqlite:////srv/relay/var/relay.db; maildir:outbox likewise."""
    if not url.startswith(scheme):
        return url
    return f"{scheme}{folder / url.removeprefix(scheme)}"
