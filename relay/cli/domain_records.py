"""DNS records a sending domain needs: proof of ownership, DKIM, SPF and DMARC, and whether they are there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from config.schema import Settings
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.dns import DnsResolver
from relay.adapters.store.domains import DomainRecord
from relay.ports import Resolver, TxtAnswer


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One TXT record. `state`: missing, published, differs, unknown, or not looked up."""

    purpose: str
    name: str
    text: str
    """To publish; empty: `note` says why there is nothing."""
    begins: str
    """How a record of this purpose begins, whatever else it says."""
    note: str = ""
    state: str = "not looked up"


def to_publish(record: DomainRecord, settings: Settings) -> list[DnsRecord]:
    """Every record of a domain, none looked up yet."""
    mail_domain = settings.platform.mail_domain
    return [
        DnsRecord("ownership", record.record_name, record.token, record.token),
        *_dkim(record.domain, KeyDirectory(settings.data_dir / "dkim")),
        # Reverse-paths are at mail_domain (RFC 7208 §2.4), so this one helps alignment only where the
        # customer's own mail shares it; it does no harm.
        DnsRecord("SPF", record.domain, f"v=spf1 include:{mail_domain} ~all", "v=spf1"),
        DnsRecord("DMARC", f"_dmarc.{record.domain}", "v=DMARC1; p=none", "v=DMARC1"),
    ]


def looked_up(groups: list[list[DnsRecord]], settings: Settings) -> list[list[DnsRecord]]:
    """The same records with their state; all questions go out at once."""
    resolver = DnsResolver(settings.dns.servers, settings.dns.timeout)

    async def ask(group: list[DnsRecord]) -> list[DnsRecord]:
        return list(await asyncio.gather(*(_state(resolver, one) for one in group)))

    async def ask_all() -> list[list[DnsRecord]]:
        return list(await asyncio.gather(*(ask(group) for group in groups)))

    return asyncio.run(ask_all())


async def _state(resolver: Resolver, record: DnsRecord) -> DnsRecord:
    if not record.text:
        return replace(record, state="missing")
    found, texts = await resolver.txt(record.name)
    if found is TxtAnswer.UNKNOWN:
        return replace(record, state="unknown")
    if record.text in texts:
        return replace(record, state="published")
    others = any(text.replace(" ", "").startswith(record.begins.replace(" ", "")) for text in texts)
    return replace(record, state="differs" if others else "missing")


def _dkim(domain: str, keys: KeyDirectory) -> list[DnsRecord]:
    """The record of each key of the domain itself; a parent's key signs for it where it has none."""
    own = [one for one in keys.stored() if one.domain == domain]
    if own:
        return [DnsRecord("DKIM", one.record_name, keys.record(one.domain, one.selector), "v=DKIM1") for one in own]
    signer = keys.for_author(domain)
    note = f"signed with the key of {signer[0]}" if signer else f"no key yet: relay dkim keygen {domain}"
    return [DnsRecord("DKIM", f"_domainkey.{domain}", "", "", note)]
