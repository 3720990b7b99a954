"""Sending domains: their DKIM keys, and what DNS says of them. 'Could not look it up' is never 'absent'."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from config.schema import Settings
from relay.adapters.dkim_keys import KeyDirectory, StoredKey
from relay.adapters.dns import SPECIAL_USE
from relay.doctor.finding import Finding, error, info, ok, warning
from relay.message.dkim import SigningFault
from relay.ports import Resolver, TxtAnswer

_FOUND, _UNKNOWN = TxtAnswer.FOUND, TxtAnswer.UNKNOWN


@dataclass(frozen=True, slots=True)
class Domains:
    """The platform's mail_domain and every domain an account has proved."""

    settings: Settings
    verified: Sequence[str]

    @property
    def keys(self) -> KeyDirectory:
        return KeyDirectory(self.settings.data_dir / "dkim")

    @property
    def platform(self) -> str:
        return self.settings.platform.mail_domain.lower()

    def key_findings(self) -> Iterator[Finding]:
        """Each domain's own key, or a parent's, is there and can be used."""
        keys = self.keys
        for domain in self._signing():
            signer = keys.for_author(domain)
            if signer is None:
                yield _no_key(domain, domain == self.platform)
                continue
            try:
                keys.record(*signer)
            except SigningFault as fault:
                yield error("dkim.key_broken", str(fault), f"restore the file, or relay dkim keygen {domain}")
            else:
                yield ok("dkim.key", f"{domain} is signed by {signer[1]}._domainkey.{signer[0]}")
        for one in keys.stored():
            if not one.signs:
                mend = f"publish its record, then relay dkim keygen {one.domain} again"
                yield info("dkim.key_waits", f"{one.record_name} does not sign yet", mend)

    def _signing(self) -> list[str]:
        wanted = [self.platform] if self.settings.dkim.platform_signature else []
        return [*wanted, *(one for one in self.verified if one != self.platform)]

    async def dns_findings(self, resolver: Resolver) -> AsyncIterator[Finding]:
        """DKIM, SPF, DMARC and MX of each; names no public resolver knows are asked of our own servers only."""
        for domain in dict.fromkeys((self.platform, *self.verified)):
            if not self.settings.dns.servers and domain.rpartition(".")[2] in SPECIAL_USE:
                yield info("dns.special_use", f"{domain} is a name for trying out: no resolver is asked")
                continue
            for key in self._published(domain):
                yield await _dkim(resolver, self.keys, key)
            if domain == self.platform:
                yield await _spf(resolver, domain)
            yield await _dmarc(resolver, domain)
            yield await _mx(resolver, domain, domain == self.platform)

    def _published(self, domain: str) -> list[StoredKey]:
        """The key that signs for the domain now, where it is the domain's own."""
        signer = self.keys.for_author(domain)
        return [one for one in self.keys.stored() if (one.domain, one.selector) == signer and one.domain == domain]


def _no_key(domain: str, platform: bool) -> Finding:
    if platform:
        return info("dkim.platform_key_missing", f"there is no key for {domain} yet; the first start makes one")
    what = f"mail from {domain} bears no signature of its own domain"
    return warning("dkim.key_missing", what, f"relay dkim keygen {domain} --later, publish the record it prints")


async def _dkim(resolver: Resolver, keys: KeyDirectory, key: StoredKey) -> Finding:
    try:
        wanted = keys.record(key.domain, key.selector)
    except SigningFault as fault:
        return error("dkim.key_broken", str(fault), f"restore the file, or relay dkim keygen {key.domain}")
    found, texts = await resolver.txt(key.record_name)
    if found is _UNKNOWN:
        return _not_known("dns.dkim_unknown", f"DKIM record {key.record_name}")
    if any(_tags(text).get("p") == _tags(wanted)["p"] for text in texts):
        return ok("dns.dkim", f"{key.record_name} is published")
    publish = f'publish TXT {key.record_name} "{wanted}"'
    if found is _FOUND:
        return error("dns.dkim_differs", f"{key.record_name} does not hold the key we sign with", publish)
    return error("dns.dkim_missing", f"{key.record_name} is not published: signatures do not verify", publish)


async def _spf(resolver: Resolver, domain: str) -> Finding:
    """Reverse-paths are at mail_domain (RFC 7208 §2.4); the smarthost's addresses belong into its record."""
    found, texts = await resolver.txt(domain)
    if found is _UNKNOWN:
        return _not_known("dns.spf_unknown", f"SPF record of {domain}")
    records = [one for one in texts if one.lower() == "v=spf1" or one.lower().startswith("v=spf1 ")]
    publish = f'publish one TXT {domain} "v=spf1 ip4:ADDRESS-OF-YOUR-SMARTHOST ~all"'
    if not records:
        return error("dns.spf_missing", f"{domain} has no SPF record, and every reverse-path is there", publish)
    if len(records) > 1:
        return error("dns.spf_several", f"{domain} has {len(records)} SPF records: none counts", publish)
    return ok("dns.spf", f"{domain}: {records[0]}")


async def _dmarc(resolver: Resolver, domain: str) -> Finding:
    """RFC 7489 §6.6.3; the record may stand at a parent domain."""
    asked = domain
    while asked.count(".") >= 1:
        found, texts = await resolver.txt(f"_dmarc.{asked}")
        if found is _UNKNOWN:
            return _not_known("dns.dmarc_unknown", f"DMARC record of {domain}")
        if any(_tags(text).get("v") == "DMARC1" for text in texts):
            return ok("dns.dmarc", f"_dmarc.{asked} is published")
        asked = asked.partition(".")[2]
    publish = f'publish TXT _dmarc.{domain} "v=DMARC1; p=none"'
    return warning("dns.dmarc_missing", f"{domain} has no DMARC record; large receivers ask for one", publish)


async def _mx(resolver: Resolver, domain: str, platform: bool) -> Finding:
    found = await resolver.takes_mail(domain)
    if found is _UNKNOWN:
        return _not_known("dns.mx_unknown", f"MX record of {domain}")
    if found is _FOUND:
        return ok("dns.mx", f"{domain} takes mail")
    if platform:
        what = f"{domain} takes no mail: bounces, complaints and opt-outs by mail are lost"
        return error("dns.mx_missing", what, f"publish MX {domain} to the machine with the intake listener")
    return warning(
        "dns.mx_missing", f"{domain} takes no mail: answers to its letters are lost", f"publish MX {domain}"
    )


def _not_known(name: str, what: str) -> Finding:
    return warning(
        name, f"the {what} could not be looked up", "look at [dns] servers and the network, then ask again"
    )


def _tags(text: str) -> dict[str, str]:
    """A tag=value list (RFC 6376 §3.2), folding white space dropped."""
    pairs = (one.partition("=") for one in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}
