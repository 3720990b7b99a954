"""docs/service: what systemd, logrotate and fail2ban are given, against what the relay really does and writes."""

import configparser
import json
import re
import signal
import smtplib
import socket
import subprocess
import time
from pathlib import Path

import pytest
from dialog import send
from running import PASSWORD, ROOT, Running, message

from config.load import load
from relay.child import BEAT_SECONDS
from relay.cli.output import Exit
from relay.supervisor import DRAIN_SECONDS

SERVICE = ROOT / "docs" / "service"
NEWS, STRANGER = "news@acme.test", "stranger@example.test"


class Managed(Running):
    """A relay that a service manager started: it is told the manager's socket."""

    def environ(self):
        socket_path = str(self.folder / "notify")
        return {**Running.environ(), "NOTIFY_SOCKET": socket_path, "WATCHDOG_USEC": str(int(4 * BEAT_SECONDS * 1e6))}


@pytest.fixture(scope="module")
def managed(tmp_path_factory):
    """(the relay, the manager's end of the socket)."""
    one = Managed(tmp_path_factory.mktemp("managed"), log='file = "journal/relay.log"')
    one.here("db", "init")
    one.account()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(one.folder / "notify"))
        manager.settimeout(30)
        (one.folder / "journal").mkdir()
        one.start()
        yield one, manager
        one.stop()


def heard(manager, wanted, seconds=30.0):
    """Messages up to the one that begins so."""
    found, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        found.append(manager.recv(4096).decode())
        if found[-1].startswith(wanted):
            return found
    raise AssertionError(f"{wanted} did not come: {found}")


def test_the_manager_hears_of_start_signs_of_life_and_reload(managed):
    relay, manager = managed

    assert heard(manager, "READY=1")[-1] == "READY=1\nSTATUS=serving"
    heard(manager, "WATCHDOG=1")
    relay.process.send_signal(signal.SIGHUP)
    assert "MONOTONIC_USEC=" in heard(manager, "RELOADING=1")[-1]
    assert heard(manager, "READY=1")[-1] == "READY=1\nSTATUS=serving"


def test_the_manager_hears_that_a_reload_was_refused(managed):
    relay, manager = managed
    good = relay.config.read_text()
    relay.config.write_text(good + "\nnonsense = 1\n")
    relay.process.send_signal(signal.SIGHUP)
    heard(manager, "RELOADING=1")

    said = heard(manager, "READY=1")[-1]
    relay.config.write_text(good)

    assert "refused" in said


# ---------------------------------------------------------------- systemd


def unit():
    """The unit's sections; a key given twice keeps its last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(SERVICE / "relay.service")
    return parser


def test_the_unit_waits_as_long_as_the_relay_may_take():
    service = unit()["Service"]

    assert int(service["TimeoutStopSec"]) > DRAIN_SECONDS + 5
    assert float(service["WatchdogSec"]) >= 4 * BEAT_SECONDS
    assert int(service["RestartPreventExitStatus"]) == Exit.CONFIG


def test_systemd_finds_no_fault_in_the_unit(tool, tmp_path):
    program = tool("systemd-analyze")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    text = (SERVICE / "relay.service").read_text().replace("/opt/relay/.venv/bin/relay", "/bin/true")
    if int(version.split()[1]) < 253:
        text = text.replace("Type=notify-reload", "Type=notify")
    (tmp_path / "relay.service").write_text(text)

    done = subprocess.run([program, "verify", str(tmp_path / "relay.service")], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_lines_for_relay_toml_are_right_and_lie_where_the_unit_lets_it_write():
    settings = load(SERVICE / "relay.toml", {}).settings
    service = unit()["Service"]
    state, logs = Path("/var/lib") / service["StateDirectory"], Path("/var/log") / service["LogsDirectory"]

    assert settings.data_dir == state
    assert settings.store.url == f"sqlite:///{state}/relay.db"
    assert settings.log.file == logs / "journal.log"
    for name in ("logrotate.conf", "fail2ban-jail.conf"):
        assert str(settings.log.file) in (SERVICE / name).read_text()


# ---------------------------------------------------------------- logrotate


def test_logrotate_moves_the_file_and_the_reload_opens_it_anew(managed, tool, tmp_path):
    relay, _ = managed
    file = relay.folder / "journal" / "relay.log"
    done = rotate(tool("logrotate"), relay, file, tmp_path)
    deadline = time.monotonic() + 20
    while not (file.exists() and '"recipient.refused"' in file.read_text()) and time.monotonic() < deadline:
        with relay.bulk_session() as session:
            send(session, NEWS, [STRANGER], message())

    assert done.returncode == 0, done.stderr
    (old,) = [one for one in file.parent.iterdir() if one.name.startswith("relay.log-")]
    assert '"service.started"' in old.read_text()
    assert '"recipient.refused"' in file.read_text()
    assert '"service.started"' not in file.read_text()


def rotate(program, relay, file, folder):
    """Once, by our own lines: the path, the owner and the way to signal are this test's."""
    text = (SERVICE / "logrotate.conf").read_text().replace("/var/log/relay/journal.log", str(file))
    text = re.sub(r"^ *su .*\n", "", text, flags=re.MULTILINE).replace(" relay relay", "")
    text = text.replace("systemctl reload relay.service", f"kill -HUP {relay.process.pid}")
    (folder / "logrotate.conf").write_text(text)
    (folder / "logrotate.conf").chmod(0o644)
    file.parent.chmod(0o755)
    command = [program, "--force", "--state", str(folder / "state"), str(folder / "logrotate.conf")]
    return subprocess.run(command, capture_output=True, text=True)


# ---------------------------------------------------------------- fail2ban


@pytest.fixture(scope="module")
def guesses(shared_relay):
    """The relay's own lines: wrong passwords, one with a login that looks like a line, and a suspended account."""
    forged = 'x","client":"192.0.2.99","rule":"standing.suspended'
    for user, password in (("acme/mail", "wrong"), (forged, "wrong"), ("closed/mail", None)):
        with smtplib.SMTP("127.0.0.1", shared_relay.submission, timeout=60) as session:
            session.starttls(context=shared_relay.tls())
            with pytest.raises(smtplib.SMTPAuthenticationError):
                session.login(user, password or PASSWORD)
    found = shared_relay.lines(3, event="auth.failed")
    return [line for line in shared_relay.journal.read_text().splitlines() if line.startswith("{")], found


def rules_of_fail2ban():
    parser = configparser.RawConfigParser()
    parser.read(SERVICE / "fail2ban-filter.conf")
    return parser["Definition"]


def test_the_filter_sees_wrong_passwords_and_no_address_that_a_client_wrote(guesses):
    lines, failed = guesses
    rules = rules_of_fail2ban()
    fails = re.compile(rules["failregex"].replace("<HOST>", r"(?P<host>[0-9a-f.:]+)"))
    ignored = [re.compile(one) for one in rules["ignoreregex"].split("\n")]

    seen = [
        (found["host"], json.loads(line))
        for line in lines
        if (found := fails.match(line)) and not any(one.search(line) for one in ignored)
    ]

    assert {host for host, _ in seen} == {"127.0.0.1"}
    wrong = [line for line in failed if not str(line.get("rule", "")).startswith("standing.")]
    assert {line["ref"] for line in wrong} <= {line["ref"] for _, line in seen}
    assert {line["event"] for _, line in seen} == {"auth.failed"}
    assert not [line for _, line in seen if str(line.get("rule", "")).startswith("standing.")]
    assert [line for _, line in seen if "192.0.2.99" in str(line.get("login"))]


def test_fail2ban_itself_reads_the_same(guesses, tool, tmp_path):
    lines, _ = guesses
    (tmp_path / "journal.log").write_text("\n".join(lines) + "\n")
    command = [tool("fail2ban-regex"), "--out", "id", str(tmp_path / "journal.log")]

    done = subprocess.run([*command, str(SERVICE / "fail2ban-filter.conf")], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {"127.0.0.1"}
