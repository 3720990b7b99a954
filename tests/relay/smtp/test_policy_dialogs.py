"""Every reply of INTERFACE.md §3 that names a rule, as a client hears it: tests/dialogs/policy/*.smtp.

The real rules and stages answer; accounts, permission, spool and smarthost are in memory. Directives set the stage:
`listener: KIND`, `limit: NAME VALUE`, `subscribe: ADDRESS DAYS [LIST]`, `pending: ADDRESS`, `imported: ADDRESS`,
`suppress: ADDRESS REASON`, `standing: STANDING`, `stream: STREAM`, `per-day: N`, `reports-per-hour: N`,
`batch: ADDRESS STATE [ROW]`, `postal-address: none`, `spool: full`, `store: away`, and `smarthost: CODE ENHANCED
TEXT`, its answer to every copy, or `smarthost: away`.
"""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakes import SPRING
from playing import DIALOGS, directives, limits_of, play, read
from relaying import ACME, NEWS, OFFERS, SHOP, Relay
from talking import Client, listener

from config.schema import Limits, Streams, Tls
from policies.address import Address
from policies.facts import Standing, Stream, Subscription, SubscriptionStatus, SuppressionReason
from policies.imports.batch import BatchState, ImportBatch
from relay.ports import Outcome, Phase, Postponed, Refused
from relay.smtp.server import SmtpServer

ROOT = Path(__file__).parents[3]
LISTS = {one.name: one for one in (NEWS, OFFERS)}
SAID = {
    (match[1], match[2])
    for script in DIALOGS.rglob("*.smtp")
    for match in re.finditer(
        r"^S: ([2-5]\d\d [245]\.\d\.\d+)(?: ([a-z]+(?:\.[a-z_]+)?): )?", script.read_text(), re.M
    )
}
"""(code and enhanced code, rule or None) of every reply that a dialog expects."""


@pytest.mark.parametrize("script", sorted((DIALOGS / "policy").glob("*.smtp")), ids=lambda script: script.stem)
async def test_a_dialog_goes_as_written(script: Path, tmp_path: Path):
    lines = read(script)
    async with served(tmp_path, lines) as client:
        await play(client, lines, script.name)


@asynccontextmanager
async def served(folder: Path, lines: list[str]) -> AsyncIterator[Client]:
    """A client of a relay on this stage."""
    limits = dataclasses.replace(Limits(), **limits_of(lines))
    stages = staged(folder, lines).stages
    server = SmtpServer(stages, hostname="mx.test", limits=limits, tls=Tls(), data_dir=folder, delay=0.0)
    await server.start([listener(directives(lines, "listener")[0][0])], reuse_port=False)
    try:
        yield Client(*await asyncio.open_connection(server.bound[0].host, server.bound[0].port))
    finally:
        await server.drain(0.0)


def staged(folder: Path, lines: list[str]) -> Relay:
    words = {line.split(":")[0][2:]: line.split()[2:] for line in lines if line.startswith("# ")}
    per_day = int(words["per-day"][0]) if "per-day" in words else None
    account = dataclasses.replace(ACME, standing=Standing(words.get("standing", ["active"])[0]), per_day=per_day)
    if "postal-address" in words:
        account = dataclasses.replace(account, footer=dataclasses.replace(account.footer, postal_address=""))
    relay = Relay(
        folder, account=account, streams=Streams(reports_per_hour=int(words.get("reports-per-hour", [50])[0]))
    )
    if "stream" in words:
        relay.directory.add(account, dataclasses.replace(SHOP, stream=Stream(words["stream"][0])))
    for address, days, *named in directives(lines, "subscribe"):
        relay.subscribe(address, LISTS[named[0] if named else "news"], days=float(days))
    people(relay, lines)
    for address, reason in directives(lines, "suppress"):
        relay.suppress(address, SuppressionReason(reason))
    if "smarthost" in words:
        relay.smarthost.answer = outcome(words["smarthost"])
    relay.spool.full = "spool" in words
    if "store" in words:
        relay.stop_store()
    return relay


def people(relay: Relay, lines: list[str]) -> None:
    """Whose permission is not simply there."""
    one = Subscription(OFFERS.list_id, OFFERS.name, OFFERS.confirm, SubscriptionStatus.IMPORTED, consented_at=SPRING)
    one = dataclasses.replace(one, source="form")
    for status in (SubscriptionStatus.PENDING, SubscriptionStatus.IMPORTED):
        for (address,) in directives(lines, status.value):
            found = dataclasses.replace(one, status=status)
            relay.permissions.subscribe(ACME.account_id, Address.parse(address), found)
    for address, state, *row in directives(lines, "batch"):
        batch = ImportBatch(1, BatchState(state), SPRING if row else None, 100_000, int(row[0]) if row else 1)
        found = dataclasses.replace(one, batch=batch)
        relay.permissions.subscribe(ACME.account_id, Address.parse(address), found)


def outcome(words: list[str]) -> Outcome:
    """Of every copy."""
    if words == ["away"]:
        return Postponed("memory", 0, "4.4.1", "nobody answers", Phase.CONNECT)
    code, enhanced, text = int(words[0]), words[1], " ".join(words[2:])
    if code >= 500:
        return Refused("memory", code, enhanced, text, Phase.RCPT)
    return Postponed("memory", code, enhanced, text, Phase.RCPT)


# ------------------------------------------------------------ no reply without a dialog


@pytest.mark.parametrize("rule", re.findall(r"^## (.*)$", (ROOT / "docs" / "rules.md").read_text(), re.M))
def test_every_reply_a_rule_may_give_has_a_dialog(rule: str):
    section = (ROOT / "docs" / "rules.md").read_text().partition(f"\n## {rule}\n")[2].partition("\n## ")[0]
    (told,) = re.findall(r"^reply .*$", section, re.M)
    if "observes only" in told:
        return
    replies = {(code, rule) for code in re.findall(r"`([45]\d\d [45]\.\d\.\d+)`", told.partition(" · ")[0])}
    if rule == "smarthost.refused":
        replies = {("554 5.7.9", rule), ("450 4.2.1", rule)}

    assert replies, told
    assert replies - SAID == set()


@pytest.mark.parametrize(
    "reply",
    [
        ("554 5.7.1", None),  # not in the trusted networks
        ("555 5.5.4", None),  # SMTPUTF8
        ("553 5.6.7", None),  # a local part beyond ASCII
        ("552 5.3.4", "message.too_large"),
        ("452 4.5.3", None),  # too many recipients
        ("530 5.7.0", None),
        ("535 5.7.8", None),
        ("454 4.7.0", None),
        ("235 2.7.0", None),
        ("250 2.0.0", None),  # accepted, queued
        ("421 4.7.0", None),
    ],
)
def test_every_reply_without_a_rule_has_a_dialog(reply: tuple[str, str | None]):
    assert reply in SAID
