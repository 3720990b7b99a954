"""What a client meets when the store is PostgreSQL: the same replies, and 451 or 454 while the server is away."""

import smtplib
import time

import pytest
from dialog import accepted, rule, send
from postgres_server import PASSWORD as STORE_PASSWORD
from postgres_server import running
from running import Running, message

NEWS = "news@acme.test"
ANNE, BUDI, CHEN = "anne@example.test", "budi@example.test", "chen@example.test"
OK = "250 2.1.5 recipient ok"
DEFERRED = "451 4.3.0 internal"
NOWHERE = "smtp://127.0.0.1:1"
QUICK = """[delivery]
inline_deadline = 2
connect_timeout = 1
retry_first = 0.3
retry_max = 1
in_doubt_after = 0.5
"""


@pytest.fixture(scope="module")
def server():
    """Stopped and frozen by these tests, and started again."""
    with running() as one:
        yield one


@pytest.fixture
def relay(server, tmp_path):
    """One worker on a database of its own; stopped at the end if the test did not."""
    made = Running(tmp_path, store_url=server.fresh(), settings=QUICK)
    made.here("db", "init")
    made.account()
    made.subscribe(ANNE, BUDI, CHEN)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()
    assert not made.journal.exists() or STORE_PASSWORD not in made.journal.read_text()


def test_a_queue_is_kept_through_a_dead_smarthost_and_a_kill_and_delivered_later(relay):
    relay.smarthost = NOWHERE
    relay.configure()
    relay.start()
    with relay.login() as client:
        reply = send(client, NEWS, [ANNE], message())[-1]
    assert reply.startswith("250 2.0.0 ")
    assert " queued" in reply
    relay.kill()

    relay.smarthost = "maildir:outbox"
    relay.configure()
    relay.start()

    assert len(relay.copies(reply.split()[2], 1)) == 1
    assert len(relay.delivered(2, seconds=1.5)) == 1


@pytest.mark.faults
@pytest.mark.parametrize("away", ["stopped", "frozen"])
def test_while_the_server_is_away_clients_are_put_off_in_time_and_it_recovers_alone(relay, server, away):
    relay.start()
    session = relay.login()
    assert send(session, NEWS, [ANNE])[-1] == OK

    with getattr(server, away)():
        began = time.monotonic()
        assert rule(send(session, NEWS, [BUDI])[-1]) == DEFERRED
        assert time.monotonic() - began < 6.0
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            relay.login()
        assert refused.value.smtp_code == 454
        assert relay.http("/readyz")[0] == 503
        assert relay.http("/healthz")[0] == 200

    replies = until_taken(session, CHEN)
    assert len(relay.copies(accepted(replies[-1]), 1)) == 1
    relay.login().close()
    assert until_ready(relay) == 200
    assert not relay.lines(event="service.child_died")


def until_ready(relay):
    """The web process notices on its own, a moment later or sooner than the workers."""
    deadline = time.monotonic() + 10
    while (status := relay.http("/readyz")[0]) != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    return status


def until_taken(session, recipient):
    """The replies of the first try that is not put off any more."""
    deadline = time.monotonic() + 15
    while True:
        replies = send(session, NEWS, [recipient], message())
        if replies[-1].startswith("250 2.0.0 ") or time.monotonic() > deadline:
            return replies
        time.sleep(0.2)


@pytest.mark.faults
def test_a_message_whose_store_goes_away_before_the_dot_is_deferred_and_never_sent(relay, server):
    relay.start()
    with relay.login() as session:
        session.ehlo()
        session.mail(NEWS)
        assert session.rcpt(ANNE)[0] == session.rcpt(BUDI)[0] == 250
        with server.stopped():
            code, _ = session.data(message())
        assert code == 451
        assert len(relay.delivered(1, seconds=1.0)) == 0


@pytest.mark.faults
def test_commands_exit_69_without_a_traceback_or_the_password(relay, server):
    with server.stopped():
        for command in (["db", "check"], ["account", "list"], ["log"], ["serve"]):
            done = relay.command(*command)
            told = done.stdout + done.stderr
            assert done.returncode == 69, (command, told)
            assert STORE_PASSWORD not in told
            assert "Traceback" not in told


def test_a_dry_run_and_the_configuration_on_a_socket(relay, server):
    relay.store_url = server.socket_url(relay.store_url.rpartition("/")[2])
    relay.configure()
    file = relay.folder / "one.eml"
    file.write_bytes(message())

    assert relay.json("check", str(file), "--account", "acme", "--to", ANNE)["verdict"] == "accepted"
    assert relay.relay("db", "check").strip() == "the store is up to date and sound"
    relay.relay("config", "check")
