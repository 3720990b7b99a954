"""The intake listener: opt-outs by mail act, all else is filed, nothing is relayed (RELIABILITY.md row 58)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fakes import MemoryPeople
from relaying import NEWS, Relay

from policies.address import Address
from policies.facts import SuppressionReason
from policies.verdict import Reply
from relay.intake.stages import Intake
from relay.permission.opt_out import OptOuts
from relay.ports import StoreUnavailable
from relay.tokens import Claim, Purpose
from relay.transaction import MailCommand, RcptCommand, Transaction

ANNE = Address.parse("anne@example.com")
DOMAIN = "b.relay.localhost"
MAIL = b"From: anne@example.com\r\nSubject: unsubscribe\r\n\r\n"
NO_SUCH = "550 5.1.1 no such mailbox here; this listener relays nothing"


@dataclass
class Files:
    """Where mail for a person is kept."""

    kept: list[tuple[str, bytes]] = field(default_factory=list)
    full: bool = False

    def keep(self, ref: str, octets: bytes) -> None:
        if self.full:
            raise OSError("no space left")
        self.kept.append((ref, octets))


class Desk:
    """The intake stages and what stands behind them."""

    def __init__(self, folder: Path) -> None:
        self.relay = Relay(folder)
        self.relay.subscribe(str(ANNE))
        self.people = MemoryPeople(self.relay.directory, self.relay.permissions)
        self.files = Files()
        relay = self.relay
        opt_outs = OptOuts(relay.tokens, self.people, relay.journal, relay.clock)
        self.stages = Intake(
            DOMAIN, 1000, relay.tokens, opt_outs, self.files.keep, relay.refusals, relay.record, relay.clock
        )

    def token(self, purpose: Purpose = Purpose.OPT_OUT_MAIL, list_id: int = NEWS.list_id) -> str:
        contact_id = self.relay.permissions.person(7, ANNE).contact_id
        claim = Claim(purpose, 7, list_id, contact_id, 99, self.relay.tokens.check_bits(ANNE))
        return self.relay.tokens.local_part(claim)

    async def opened(self, path: str | None = "anne@example.com") -> Transaction:
        command = MailCommand(Address.parse(path) if path else None)
        reply, tx = await self.stages.mail(self.relay.session("intake"), command)
        assert (str(reply), tx is not None) == ("250 2.1.0 sender ok", True)
        assert tx is not None
        return tx

    async def sent(self, *addresses: str, octets: bytes = MAIL) -> Reply:
        tx = await self.opened()
        for one in addresses:
            reply = await self.stages.recipient(tx, RcptCommand(Address.parse(one)))
            if reply.code != 250:
                return reply
        assert await self.stages.data_allowed(tx) is None
        return await self.stages.data(tx, octets)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
async def test_mail_to_an_opt_out_address_unsubscribes_whatever_its_case(desk: Desk, spelled: object) -> None:
    local = spelled(desk.token())  # type: ignore[operator]

    reply = await desk.sent(f"{local}@{DOMAIN.upper()}")

    assert str(reply).startswith("250 2.0.0 ")
    assert desk.people.said[0][:6] == (7, ANNE.key, NEWS.list_id, SuppressionReason.OPT_OUT, "mailto", "192.0.2.7")
    assert desk.files.kept == []
    [row] = desk.relay.journal.events
    assert (row.event, row.fields["way"], row.fields["recipient"]) == ("unsubscribe", "mailto", str(ANNE))


async def test_without_a_list_it_stops_the_sender(desk: Desk) -> None:
    await desk.sent(f"{desk.token(list_id=0)}@{DOMAIN}")

    assert desk.people.said[0][:3] == (7, ANNE.key, 0)


async def test_it_holds_for_the_very_next_recipient_of_a_submission(desk: Desk) -> None:
    await desk.sent(f"{desk.token()}@{DOMAIN}")

    tx = await desk.relay.opened()
    assert "consent.withdrawn" in str(await desk.relay.rcpt(tx, str(ANNE)))


async def test_the_null_reverse_path_may_write_to_us(desk: Desk) -> None:
    tx = await desk.opened(None)

    assert (await desk.stages.recipient(tx, RcptCommand(Address.parse(f"abuse@{DOMAIN}")))).code == 250


@pytest.mark.parametrize("local", ["fbl", "abuse", "postmaster", "no-reply", "Postmaster", "ABUSE"])
async def test_mail_to_people_is_filed_whole_and_changes_nothing(desk: Desk, local: str) -> None:
    reply = await desk.sent(f"{local}@{DOMAIN}", octets=MAIL + b"complaint")

    [(ref, octets)] = desk.files.kept
    assert str(reply) == f"250 2.0.0 {ref} accepted"
    assert octets == MAIL + b"complaint"
    assert desk.people.said == []
    row = desk.relay.event("service.intake_filed")
    assert (row.ref, row.fields["recipient"]) == (ref, f"{local}@{DOMAIN}")


@pytest.mark.parametrize("purpose", [Purpose.BOUNCE, Purpose.FEEDBACK, Purpose.OWN_BOUNCE])
async def test_reports_to_signed_addresses_are_filed(desk: Desk, purpose: Purpose) -> None:
    report = b"From: anne@example.com\r\nSubject: Undelivered Mail\r\n\r\nNo such user.\r\n"
    assert (await desk.sent(f"{desk.token(purpose)}@{DOMAIN}", octets=report)).code == 250

    assert len(desk.files.kept) == 1
    assert desk.people.said == []


ANSWER = b"From: anne@example.com\r\nSubject: Re: News\r\n\r\n%s\r\n\r\nOn Monday Acme wrote:\r\n> News\r\n%s\r\n"


async def test_an_answer_to_a_copy_s_own_address_that_says_stop_is_an_opt_out(desk: Desk) -> None:
    octets = ANSWER % (b"Please stop.", b"> Bye")
    await desk.sent(f"{desk.token(Purpose.BOUNCE)}@{DOMAIN}", octets=octets)

    assert desk.people.said[0][:5] == (7, ANNE.key, NEWS.list_id, SuppressionReason.OPT_OUT, "reply")
    assert desk.files.kept == []


@pytest.mark.parametrize("said", [b"Thank you!", b""])
async def test_an_answer_that_says_anything_else_is_filed_for_a_person(desk: Desk, said: bytes) -> None:
    await desk.sent(f"{desk.token(Purpose.BOUNCE)}@{DOMAIN}", octets=ANSWER % (said, b"> Unsubscribe: http://x"))

    assert desk.people.said == []
    assert len(desk.files.kept) == 1


async def test_nobody_s_reverse_path_answers_nothing(desk: Desk) -> None:
    tx = await desk.opened(None)
    await desk.stages.recipient(tx, RcptCommand(Address.parse(f"{desk.token(Purpose.BOUNCE)}@{DOMAIN}")))
    await desk.stages.data(tx, ANSWER % (b"STOP", b""))

    assert desk.people.said == []


def quoted(desk: Desk, purpose: Purpose = Purpose.OPT_OUT) -> bytes:
    contact_id = desk.relay.permissions.person(7, ANNE).contact_id
    claim = Claim(purpose, 7, NEWS.list_id, contact_id, 99, desk.relay.tokens.check_bits(ANNE))
    return f"> Unsubscribe: https://mail.example/u/{desk.relay.tokens.url(claim)}?l=en".encode()


async def test_an_answer_to_no_reply_counts_where_it_quotes_the_copy_with_its_link(desk: Desk) -> None:
    await desk.sent(f"no-reply@{DOMAIN}", octets=ANSWER % (b"Berhenti", quoted(desk)))

    assert desk.people.said[0][:5] == (7, ANNE.key, NEWS.list_id, SuppressionReason.OPT_OUT, "reply")


@pytest.mark.parametrize("local", ["abuse", "postmaster", "fbl", "no-reply"])
async def test_without_a_link_of_ours_or_at_a_person_s_address_it_is_filed(desk: Desk, local: str) -> None:
    link = b"> https://mail.example/u/" + b"A" * 59 if local == "no-reply" else quoted(desk)
    await desk.sent(f"{local}@{DOMAIN}", octets=ANSWER % (b"STOP", link))

    assert desk.people.said == []
    assert len(desk.files.kept) == 1


async def test_a_message_to_several_of_us_is_filed_once_and_noted_for_each(desk: Desk) -> None:
    reply = await desk.sent(f"abuse@{DOMAIN}", f"fbl@{DOMAIN}", f"abuse@{DOMAIN}", f"{desk.token()}@{DOMAIN}")

    assert reply.code == 250
    assert len(desk.files.kept) == 1
    assert len(desk.people.said) == 1
    assert len(desk.relay.journal.named("service.intake_filed")) == 2


def mutations(local: str) -> list[str]:
    changed = [f"{local[:at]}{'a' if one != 'a' else 'b'}{local[at + 1 :]}" for at, one in enumerate(local)]
    return [*changed, local[:-1], f"{local}a", local.partition("-")[2], "o-", "nobody"]


async def test_forged_and_mutated_addresses_do_not_exist(desk: Desk) -> None:
    tx = await desk.opened()
    for local in mutations(desk.token()):
        reply = await desk.stages.recipient(tx, RcptCommand(Address.parse(f"{local}@{DOMAIN}")))
        assert str(reply) == NO_SUCH, local

    assert tx.recipients == []


@pytest.mark.parametrize("domain", ["example.com", "relay.localhost", f"x.{DOMAIN}"])
async def test_nothing_is_relayed(desk: Desk, domain: str) -> None:
    for local in ("postmaster", "anne", desk.token()):
        assert str(await desk.sent(f"{local}@{domain}")) == NO_SUCH

    rows = desk.relay.journal.named("recipient.refused")
    assert {row.fields["reply"] for row in rows} == {NO_SUCH}
    assert rows[0].fields["recipient"] == f"postmaster@{domain}"


async def test_an_address_given_to_somebody_else_since_is_filed_and_changes_nothing(desk: Desk) -> None:
    address = f"{desk.token()}@{DOMAIN}"
    desk.relay.permissions.people = {(7, "other@example.com"): desk.relay.permissions.person(7, ANNE)}

    assert (await desk.sent(address)).code == 250
    assert desk.people.said == []
    assert len(desk.files.kept) == 1


async def test_an_opt_out_that_cannot_be_kept_is_not_taken(desk: Desk) -> None:
    address = f"{desk.token()}@{DOMAIN}"
    for broken in ("full", "stopped"):
        setattr(desk.people, broken, True)
        with pytest.raises(StoreUnavailable):
            await desk.sent(address)
        setattr(desk.people, broken, False)

    assert (await desk.sent(address)).code == 250
    assert len(desk.people.said) == 1


async def test_mail_that_cannot_be_filed_is_not_taken(desk: Desk) -> None:
    desk.files.full = True

    with pytest.raises(OSError, match="no space"):
        await desk.sent(f"abuse@{DOMAIN}")

    assert desk.relay.journal.events == []


async def test_faults_of_form_have_the_relays_one_form(desk: Desk) -> None:
    tx = await desk.opened()
    session = desk.relay.session("intake")
    replies = [
        await desk.stages.malformed(tx, "a bare LF"),
        await desk.stages.too_large(tx),
        await desk.stages.size_refused(session, replace(tx.mail, size=2000)),
        desk.stages.internal(session, RuntimeError("canary")),
    ]

    starts = ["550 5.5.2 message.malformed: ", "552 5.3.4 message.too_large: ", "552 5.3.4 ", "451 4.3.0 internal: "]
    for reply, start, row in zip(replies, starts, desk.relay.journal.events, strict=True):
        assert str(reply).startswith(start)
        assert "canary" not in str(reply)
        assert row.fields["reply"] == str(reply)
        assert f"[{row.ref}] http" in str(reply)
    assert replies[0].close


async def test_no_login_is_offered(desk: Desk) -> None:
    session = desk.relay.session("intake")

    assert (await desk.stages.authenticate(session, "acme/shop", b"right", "")).code == 502
    assert session.credential is None
