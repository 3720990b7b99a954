"""TLS towards a smarthost that is not what it should be: no mail, no password, and it is tried again (row 6)."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from posting import RAW, FakeClock, pool_to
from sink import Sink, Stage

from relay.adapters.smarthost import client_context
from relay.ports import Outgoing, Phase, Postponed

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def shown(authority=AUTHORITY, host="127.0.0.1", **more):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, **more).configure_cert(context)
    return context


def old_tls():
    context = shown()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


BAD = {
    "expired": lambda: shown(not_before=YESTERDAY - timedelta(days=9), not_after=YESTERDAY),
    "another host": lambda: shown(host="mail.example.net"),
    "made by itself": lambda: shown(STRANGER),
    "TLS 1.1": old_tls,
}


def trusting():
    context = client_context(True)
    AUTHORITY.configure_trust(context)
    return context


async def tried(sink, scheme):
    pool = pool_to(sink, FakeClock(), scheme=scheme, login="relay:secret@", tls=trusting())
    outcome = await pool.deliver(Outgoing("v.1@b.relay.example", "anne@example.org", lambda _eight_bit: RAW), 5)
    await pool.close()
    return outcome


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "starttls"])
@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_bad_tls_gets_no_mail_and_no_password(name, implicit):
    async with Sink(tls=BAD[name](), implicit_tls=implicit, login=("relay", "secret")) as sink:
        outcome = await tried(sink, "smtps" if implicit else "smtp+starttls")

        assert isinstance(outcome, Postponed)
        assert outcome.code == 0
        # Where the versions do not meet, the other side hangs up before anybody can say why.
        assert (outcome.enhanced, outcome.phase) == ("4.7.5", Phase.TLS) or name == "TLS 1.1"
        assert not any(line.startswith(("AUTH", "MAIL")) for line in sink.commands)
        assert not sink.taken


@pytest.mark.parametrize("fault", ["close", "reset", b"220 ready\r\n\x16\x03\x01\x00\x05hello"])
async def test_a_handshake_cut_short_gets_no_mail_and_no_password(fault):
    async with Sink(tls=shown(), login=("relay", "secret"), faults={Stage.STARTTLS: fault}) as sink:
        outcome = await tried(sink, "smtp+starttls")

        assert isinstance(outcome, Postponed)
        assert outcome.code == 0
        assert not any(line.startswith(("AUTH", "MAIL")) for line in sink.commands)
