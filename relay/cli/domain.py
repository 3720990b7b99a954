"""`relay domain`: which domains an account may send from, and the DNS records that go with each (clause 5.3)."""

from __future__ import annotations

from typing import Annotated

import typer
from publicsuffixlist import PublicSuffixList

from config.schema import Settings
from relay.adapters.dns import DnsResolver
from relay.adapters.store.domains import DomainRecord, Domains
from relay.adapters.store.engine import Engine
from relay.cli.arguments import Account, AnyReason, Domain, domain_name
from relay.cli.domain_records import DnsRecord, looked_up, to_publish
from relay.cli.invocation import By, Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_table
from relay.cli.session import act, with_store
from relay.ports import TxtAnswer

app = typer.Typer(help="Sending domains: proof of ownership, and records to publish.")


@app.command()
def add(ctx: typer.Context, account: Account, domain: Domain, *, by: By, json: Json = False) -> None:
    """Note a domain; it covers its subdomains once it is verified."""
    _refuse_suffix(domain)
    record = with_store(ctx, lambda engine: Domains(engine).add(account, domain, act(by)))
    _print(record, to_publish(record, invocation(ctx).settings), json)


@app.command()
def verify(
    ctx: typer.Context,
    account: Account,
    domain: Domain,
    force: Annotated[bool, typer.Option("--force", help="Take it as proved without DNS; needs --reason.")] = False,
    reason: AnyReason = None,
    *,
    by: By,
    json: Json = False,
) -> None:
    """Look for the account's token in DNS; once found, the account may send from the domain."""
    if force and not reason:
        raise Failure("--force needs --reason", Exit.USAGE)
    settings = invocation(ctx).settings

    async def work(engine: Engine) -> DomainRecord:
        domains = Domains(engine)
        record = await domains.show(account, domain)
        if record.verified_at is not None and not force:
            return record
        how = f"forced by {by}: {reason}" if force else await _proof(record, settings)
        return await domains.verify(account, domain, how, act(by))

    record = with_store(ctx, work)
    _print(record, to_publish(record, settings), json)


@app.command("list")
def list_(
    ctx: typer.Context,
    account: Account,
    domain: Annotated[str | None, typer.Argument(metavar="DOMAIN", parser=domain_name)] = None,
    json: Json = False,
) -> None:
    """An account's domains; with DOMAIN also its records and their state in DNS."""
    settings = invocation(ctx).settings
    if domain is None:
        records = with_store(ctx, lambda engine: Domains(engine).of(account))
        if json:
            groups = looked_up([to_publish(one, settings) for one in records], settings)
            print_json([_json(one, group) for one, group in zip(records, groups, strict=True)])
        else:
            rows = [(one.domain, _state(one), one.verified_how or None) for one in records]
            print_table(("domain", "state", "how"), rows)
        return
    record = with_store(ctx, lambda engine: Domains(engine).show(account, domain))
    (group,) = looked_up([to_publish(record, settings)], settings)
    _print(record, group, json)


def _refuse_suffix(domain: str) -> None:
    """A registry's suffix belongs to nobody who sends mail."""
    if PublicSuffixList(only_icann=True).privatesuffix(domain) is None:
        raise Failure(f"{domain} is a public suffix: name a domain below it")


async def _proof(record: DomainRecord, settings: Settings) -> str:
    resolver = DnsResolver(settings.dns.servers, settings.dns.timeout)
    found, texts = await resolver.txt(record.record_name)
    if record.token in texts:
        return "DNS"
    line = f'{record.record_name}. IN TXT "{record.token}"'
    if found is TxtAnswer.UNKNOWN:
        raise Failure(f"DNS could not be asked for {record.record_name}; to publish: {line}", Exit.UNAVAILABLE)
    raise Failure(f"{record.domain} is not verified: publish {line} and try again")


def _print(record: DomainRecord, records: list[DnsRecord], json: bool) -> None:
    if json:
        print_json(_json(record, records))
        return
    print_line(f"{record.domain}: {_state(record)}")
    print_table(
        ("for", "state", "record"),
        [(one.purpose, one.state, f'{one.name}. IN TXT "{one.text}"' if one.text else one.note) for one in records],
    )


def _state(record: DomainRecord) -> str:
    return f"verified {record.verified_at:%Y-%m-%d}" if record.verified_at else "not verified"


def _json(record: DomainRecord, records: list[DnsRecord]) -> dict[str, object]:
    return {
        "domain": record.domain,
        "verified": record.verified_at is not None,
        "verified_at": record.verified_at.isoformat() if record.verified_at else None,
        "verified_how": record.verified_how or None,
        "records": [
            {"purpose": one.purpose, "name": one.name, "type": "TXT", "value": one.text or None, "state": one.state}
            for one in records
        ],
    }
