"""AUTH: who speaks, by which credential; wrong guesses all look alike (clauses 1.2, 7.3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from relaying import ACME, SHOP, Relay

from policies.facts import Standing
from policies.verdict import Reply
from relay.transaction import Session

WRONG = "535 5.7.8 wrong login or password"
BUSY = "454 4.7.0 cannot check passwords right now, try again later"


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    return Relay(tmp_path)


async def log_in(
    relay: Relay, login: str = "acme/shop", password: bytes = b"right", authzid: str = "", kind: str = "submission"
) -> tuple[str, Session]:
    session = relay.session(kind)  # type: ignore[arg-type]
    session.credential, session.account_id = None, 0
    reply: Reply = await relay.stages.authenticate(session, login, password, authzid)
    assert (session.credential is not None, session.account_id != 0) == (reply.code == 235,) * 2
    return str(reply), session


@pytest.mark.parametrize("authzid", ["", "acme", "acme/shop"])
async def test_the_right_password_names_account_and_credential(relay: Relay, authzid: str) -> None:
    reply, session = await log_in(relay, authzid=authzid)

    assert reply == "235 2.7.0 authenticated"
    assert (session.credential, session.account_id) == (SHOP, 7)
    assert relay.passwords.right == ["acme/shop"]
    assert relay.journal.events == []


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("acme/shop", b"wrong"),
        ("acme/nobody", b"right"),
        ("nobody/shop", b"right"),
        ("shop", b"right"),
        ("/esp", b"right"),
        ("", b""),
        ("esp", b"right"),
        ("ACME/shop", b"right"),
    ],
)
async def test_wrong_password_and_unknown_login_are_told_alike(relay: Relay, login: str, password: bytes) -> None:
    reply, _ = await log_in(relay, login, password)

    assert reply == WRONG
    assert len(relay.passwords.asked) == 1
    assert relay.passwords.wrong == [login]
    row = relay.event("auth.failed")
    assert (row.fields["reply"], row.fields["login"], row.level) == (WRONG, login, "warning")
    assert "password" not in row.fields
    assert row.account_id == 0


async def test_a_revoked_credential_is_unknown_and_takes_as_long(relay: Relay) -> None:
    relay.directory.add(ACME, replace(SHOP, revoked=True))

    assert (await log_in(relay))[0] == WRONG
    assert relay.passwords.asked == [None]


async def test_another_accounts_name_as_authorization_identity_is_refused(relay: Relay) -> None:
    assert (await log_in(relay, authzid="other"))[0] == WRONG


async def test_a_platform_credential_speaks_on_bulk_for_the_account_it_names(relay: Relay) -> None:
    reply, session = await log_in(relay, "esp", authzid="acme", kind="bulk")

    assert reply.startswith("235 ")
    assert session.account_id == 7


@pytest.mark.parametrize(("kind", "authzid"), [("bulk", ""), ("bulk", "nobody"), ("submission", "acme")])
async def test_a_platform_credential_speaks_for_nobody_else(relay: Relay, kind: str, authzid: str) -> None:
    assert (await log_in(relay, "esp", authzid=authzid, kind=kind))[0] == WRONG


@pytest.mark.parametrize(
    ("standing", "rule"),
    [(Standing.SUSPENDED, "standing.suspended"), (Standing.DEACTIVATED, "standing.deactivated")],
)
async def test_standing_is_told_only_to_who_knows_the_password(relay: Relay, standing: Standing, rule: str) -> None:
    relay.directory.add(replace(ACME, standing=standing, warned_because="complaints"))

    assert (await log_in(relay, password=b"wrong"))[0] == WRONG
    reply, _ = await log_in(relay)

    assert reply.startswith(f"525 5.7.13 {rule}: acme is ")
    guessed, told = relay.journal.named("auth.failed")
    assert "rule" not in guessed.fields
    assert (told.fields["rule"], told.fields["reply"], told.account) == (rule, reply, "acme")
    assert relay.refusals.url(told.ref) in reply


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.WARNED])
async def test_pending_and_warned_accounts_may_log_in(relay: Relay, standing: Standing) -> None:
    relay.directory.add(replace(ACME, standing=standing))

    assert (await log_in(relay))[0].startswith("235 ")


async def test_after_too_many_guesses_no_password_is_tried(relay: Relay) -> None:
    relay.passwords.shut = True

    assert (await log_in(relay))[0] == BUSY
    assert relay.passwords.asked == []


async def test_too_many_checks_at_once_are_put_off(relay: Relay) -> None:
    relay.passwords.busy = True

    assert (await log_in(relay))[0] == BUSY
    assert relay.passwords.wrong == []


async def test_a_stopped_store_is_a_temporary_failure_and_no_guess(relay: Relay) -> None:
    relay.stop_store()

    assert (await log_in(relay))[0] == BUSY
    assert relay.passwords.wrong == []
    assert "store" in str(relay.event("auth.failed").fields["why"])
