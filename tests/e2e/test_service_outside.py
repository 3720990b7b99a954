"""`relay serve` as an operator meets it: ready, one a data_dir, reload, limits, workers, and a clean end."""

import json
import os
import signal
import smtplib
import time
from pathlib import Path

import pytest
from dialog import accepted, refusal, rule, send
from running import Running, message

NEWS, ANNE, STRANGER = "news@acme.test", "anne@example.test", "stranger@example.test"
LIMITS = "[limits]\nmax_size = 50000\n"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def relay(request, tmp_path_factory):
    one = Running(tmp_path_factory.mktemp("service"), settings=LIMITS, log='file = "rotated.log"', workers=2)
    if request.param == "postgresql":
        one.store_url = request.getfixturevalue("postgres").fresh()
        one.configure()
    one.here("db", "init")
    one.account()
    one.subscribe(ANNE)
    one.start()
    yield one
    one.stop()


def reload(relay, settings, event="service.reloaded"):
    """Write the file, signal, and wait for the relay to say what it made of it."""
    before = len(relay.lines(event=event))
    relay.settings = LIMITS + settings
    relay.configure()
    relay.process.send_signal(signal.SIGHUP)
    lines = relay.lines(before + 1, event=event)
    assert len(lines) == before + 1
    return lines[-1]


def until(ask, right, seconds=10.0):
    """The last answer: a right one, unless the time is over; processes reload each in their own moment."""
    deadline = time.monotonic() + seconds
    while not right(answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


def test_it_is_ready_and_says_so(relay):
    assert relay.command("ready").returncode == 0
    assert relay.http("/healthz")[0] == 200
    assert relay.http("/readyz")[0] == 200


def test_a_second_serve_on_one_data_dir_is_refused(relay):
    done = relay.command("serve")

    assert done.returncode == 69
    assert "another relay serves" in done.stderr
    assert "Traceback" not in done.stderr
    assert relay.command("ready").returncode == 0


def test_two_workers_share_one_port(relay):
    sessions = [relay.bulk_session() for _ in range(16)]
    owners = {pid for pid in relay.children() if established(relay.bulk) & sockets(pid)}
    for session in sessions:
        session.quit()

    assert len(owners) == 2


def established(port):
    """Inodes of the server's ends of TCP connections to a port (proc(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}


def sockets(pid):
    links = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]
    return {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:")}


def test_a_message_over_the_limit_is_refused_at_mail_and_after_the_dot(relay):
    with relay.bulk_session() as session:
        announced = send(session, NEWS, [], options=["SIZE=50001"])[0]
        sent = send(session, NEWS, [ANNE], message(text="x" * 70 + "\n") + b"a line\r\n" * 8000)[-1]

    assert rule(announced) == "552 5.3.4 message.too_large"
    assert rule(sent) == "552 5.3.4 message.too_large"


def test_a_bad_file_leaves_the_old_one_in_force_and_every_mistake_is_told(relay):
    line = reload(relay, 'nonsense = 1\n[console]\nbind = "nowhere"\n', "service.reload_refused")

    assert "limits.nonsense" in line["error"]
    assert "console.bind" in line["error"]
    with relay.bulk_session() as session:
        assert rule(send(session, NEWS, [STRANGER])[-1]) == "550 5.7.1 consent.missing"


def test_a_reload_opens_the_log_file_anew_in_every_process(relay):
    file, old = relay.folder / "rotated.log", relay.folder / "rotated.log.1"
    file.rename(old)
    reload(relay, "")

    def lands_in_the_new_one():
        with relay.bulk_session() as session:
            ref = refusal(send(session, NEWS, [STRANGER])[-1])["ref"]
        until(lambda: file.read_text() + old.read_text(), lambda text: ref in text)
        return ref in file.read_text()

    # Six sessions reach both workers; each opens the file when the signal reaches it.
    assert all(until(lambda: [lands_in_the_new_one() for _ in range(6)], all))
    assert '"service.reloaded"' in file.read_text()


def test_a_rule_set_to_observe_lets_mail_pass_and_records_what_it_would_have_said(relay):
    reload(relay, '[policy."consent.missing"]\nmode = "observe"\n')

    def ask():
        with relay.bulk_session() as session:
            return send(session, NEWS, [STRANGER], message())[-1]

    ref = accepted(until(ask, lambda reply: reply.startswith("250 2.0.0")))
    (row,) = relay.events("--ref", ref, "--event", "service.observed")
    assert (row["rule"], row["recipient"]) == ("consent.missing", STRANGER)
    assert len(relay.copies(ref, 1)) == 1


def test_an_address_may_be_demanded_instead_of_injected(relay):
    reload(relay, '[policy."footer.postal_address"]\nmissing = "reject"\n')

    def ask():
        with relay.bulk_session() as session:
            return rule(send(session, NEWS, [ANNE], message())[-1])

    wanted = "550 5.7.0 footer.postal_address"
    assert until(ask, lambda reply: reply == wanted) == wanted


@pytest.mark.parametrize("args", [("serve",), ("doctor", "--offline"), ("config", "check")])
def test_every_mistake_of_a_configuration_is_named_at_once_and_exits_78(tmp_path, args):
    one = Running(
        tmp_path, settings='[limts]\nmax_size = 1\n[web2]\nx = 1\n[console]\nbind = 3\n[imports]\nmin_rows = "x"\n'
    )

    done = one.command(*args)

    assert done.returncode == 78
    for key in ("limts", "web2", "console.bind", "imports.min_rows"):
        assert key in done.stderr + done.stdout
    assert "limits" in done.stderr + done.stdout, "the nearest known key"
    assert "Traceback" not in done.stderr


def test_sigterm_lets_a_message_that_is_under_way_finish_and_exits_0(relay):
    reload(relay, "")
    session = smtplib.SMTP("127.0.0.1", relay.bulk, timeout=60)
    session.ehlo()
    assert (session.mail(NEWS)[0], session.rcpt(ANNE)[0], session.docmd("DATA")[0]) == (250, 250, 354)
    octets = message()
    session.send(octets[:40])

    relay.process.send_signal(signal.SIGTERM)
    assert until(lambda: refuses(relay.bulk), bool)
    session.send(octets[40:] + b".\r\n")
    code, text = session.getreply()

    assert (code, relay.stop()) == (250, 0)
    assert relay.copies(text.decode().split()[1], 1)
    assert [json.loads(line)["event"] for line in relay.journal.read_text().splitlines()][-1] == "service.stopped"
    done = relay.command("ready")
    assert done.returncode == 69
    assert "Traceback" not in done.stderr


def refuses(port):
    try:
        smtplib.SMTP("127.0.0.1", port, timeout=10).close()
    except OSError:
        return True
    return False
