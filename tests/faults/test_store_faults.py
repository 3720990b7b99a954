"""A store that is locked, gone, garbage or full: 451 or 454, never 5xx nor a pass; it recovers alone (row 65)."""

import contextlib
import re
import smtplib
import subprocess
import sys
import time

import pytest
from driver import PEOPLE, SENDER, letter, new_ident, reckon, states, store, until
from running import PASSWORD
from test_smarthost_faults import REF, summary

pytestmark = pytest.mark.faults

INTERNAL = rf"4\.3\.0 internal: .* \[{REF}\] http://\S+"
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked(relay):
    """Another process holds the write lock."""
    command = [sys.executable, "-c", HOLD, str(store(relay))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.stdin.close()


@contextlib.contextmanager
def replaced(relay, octets):
    """The store is moved away as a whole; octets, where given, stand in its place."""
    file = store(relay)
    parts = [path for path in (file, file.with_name("relay.db-wal"), file.with_name("relay.db-shm")) if path.exists()]
    away = file.with_name("away")
    away.mkdir()
    # The companions first: without its file nobody can make new ones meanwhile.
    for path in parts:
        path.rename(away / path.name)
    if octets is not None:
        file.write_bytes(octets)
    time.sleep(0.3)
    try:
        yield
    finally:
        for path in (file, file.with_name("relay.db-wal"), file.with_name("relay.db-shm")):
            path.unlink(missing_ok=True)
        for path in parts:
            (away / path.name).rename(path)
        away.rmdir()
        time.sleep(0.3)


@pytest.fixture
def well(steady):
    client, _ = steady
    client.wait_for_smarthost()
    return steady


def fine(client):
    """Everything works that needs the store: logging in, permission, several copies."""
    try:
        return [client.send(listener, PEOPLE[:2]).code for listener in ("submission", "bulk")] == [250, 250]
    except (smtplib.SMTPException, OSError):
        return False


def test_a_lock_of_another_process_refuses_what_must_be_kept_and_nothing_else(well):
    client, smarthost = well
    several, single, queued = new_ident("several"), new_ident("single"), new_ident("queued")

    with locked(client.relay):
        began = time.monotonic()
        answers = [client.send(listener, PEOPLE[:3], ident=several + listener) for listener in ("submission", "bulk")]
        lasted = time.monotonic() - began
        proxied = client.send("bulk", PEOPLE[:1], ident=single)
        smarthost.leave()
        kept = client.send("submission", PEOPLE[:1], ident=queued)
        smarthost.listen()

    assert [answer.code for answer in [*answers, kept]] == [451, 451, 451]
    assert all(re.fullmatch(INTERNAL, answer.text) for answer in [*answers, kept])
    assert lasted > 3.0, "each should have waited its 2 s for the lock"
    assert proxied.text.endswith("accepted"), "one copy rests on nothing we keep"
    assert states(client.relay, queued) == []
    until(lambda: fine(client), "it did not recover")


@pytest.mark.parametrize("octets", [None, b"garbage " * 4096, b""], ids=["gone", "garbage", "empty"])
def test_without_its_store_the_relay_defers_and_recovers_alone(well, octets):
    client, smarthost = well
    relay = client.relay
    early, at_rcpt, at_data, at_dot = (relay.bulk_session() for _ in range(4))
    log_in = smtplib.SMTP("127.0.0.1", relay.submission, timeout=60)
    log_in.starttls(context=relay.tls())
    for session in (at_rcpt, at_data, at_dot):
        session.ehlo()
        assert session.mail(SENDER)[0] == 250
    for session in (at_data, at_dot):
        assert session.rcpt(PEOPLE[0])[0] == 250
    at_dot.docmd("DATA")
    before = len(smarthost.taken)

    with replaced(relay, octets):
        early.ehlo()
        replies = [early.mail(SENDER), at_rcpt.rcpt(PEOPLE[0]), at_data.data(letter(new_ident("dark")))]
        at_dot.send(letter(new_ident("dark")) + b".\r\n")
        replies.append(at_dot.getreply())
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            log_in.login("acme/mail", PASSWORD)
        outside, _ = relay.http("/readyz")
        time.sleep(0.5)  # the journal tries to write, too

    assert [code for code, _ in replies] == [451] * 4, replies
    assert all(re.fullmatch(INTERNAL, text.decode()) for _, text in replies), replies
    assert refused.value.smtp_code == 454
    assert refused.value.smtp_error.startswith(b"4.7.0")
    assert outside == 503
    assert len(smarthost.taken) == before, "sent without asking"
    until(lambda: fine(client), "it did not recover")
    until(lambda: relay.http("/readyz")[0] == 200, "not ready again")
    for session in (early, at_rcpt, at_data, at_dot, log_in):
        session.close()


@pytest.fixture
def small_disk(make, tmp_path):
    """A relay whose store lives on 12 MB."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(tmp_path)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    client, smarthost = make(folder=tmp_path)
    yield client, smarthost, tmp_path
    client.relay.stop()
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_full_disk_defers_until_there_is_room(small_disk):
    client, smarthost, folder = small_disk
    smarthost.leave()
    full = new_ident("full")
    with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(b"x" * 65_536):
            continue

    raw = letter(full, "".join(f"{number:064x}\r\n" for number in range(9000)))
    answers = [client.send("submission", PEOPLE[:recipients], raw, full) for recipients in (1, 3)]

    assert all(answer.code in (451, 452) and answer.text.startswith("4.3.") for answer in answers), answers
    (folder / "ballast").unlink()
    smarthost.listen()
    until(lambda: fine(client), "it did not recover")
    account = reckon(client, smarthost)
    assert account.clean(), account.faults()


def test_after_all_store_faults_nothing_is_lost(well, capsys):
    client, smarthost = well

    account = reckon(client, smarthost)

    with capsys.disabled():
        print(f"\nstore faults: {summary(account)}")
    assert account.clean(), account.faults()
