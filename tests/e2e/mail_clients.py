"""Mail clients of others, run for real: each sends one message and says what its user sees."""

from __future__ import annotations

import json
import os
import re
import shutil
import smtplib
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import private_postfix
import pytest
from running import PASSWORD, Running, message

SCRIPTS = Path(__file__).parent / "clients"
PHPMAILER = Path("/usr/share/php/libphp-phpmailer/src")
POSTFIX = """relayhost = [127.0.0.1]:{port}
smtp_tls_security_level = encrypt
smtp_sasl_auth_enable = yes
smtp_sasl_tls_security_options = noanonymous
smtp_sasl_password_maps = static:{user}:{password}
"""


@dataclass(frozen=True)
class Letter:
    """What a client is asked to send, and as whom."""

    recipients: tuple[str, ...] = ("anne@example.test",)
    user: str = "acme/mail"
    password: str = PASSWORD
    sender: str = "news@acme.test"
    author: str = "news@acme.test"


@dataclass(frozen=True)
class Seen:
    """Whether the client says that it sent, and all its user sees."""

    sent: bool
    text: str
    exit_code: int | None = None
    """Of a program that is run for one message."""


Client = Callable[[Running, Letter], Seen]


def certificate(relay: Running) -> Path:
    (found,) = [path for path in (relay.folder / "var").iterdir() if "self-signed" in path.name]
    return found


def run(command: list[str], stdin: str = "") -> Seen:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    return Seen(done.returncode == 0, done.stdout + done.stderr, done.returncode)


def swaks(program: str) -> Client:
    def send(relay: Running, letter: Letter) -> Seen:
        where = ["--server", f"127.0.0.1:{relay.submission}", "-tls", "--ehlo", "client.test"]
        who = ["--auth", "PLAIN", "--auth-user", letter.user, "--auth-password", letter.password]
        what = ["--from", letter.sender, "--to", ",".join(letter.recipients), "--header", f"From: {letter.author}"]
        return run([program, *where, *who, *what])

    return send


def curl(program: str) -> Client:
    def send(relay: Running, letter: Letter) -> Seen:
        where = [f"smtp://127.0.0.1:{relay.submission}/client.test", "--ssl-reqd", "--insecure"]
        who = ["--user", f"{letter.user}:{letter.password}", "--mail-from", letter.sender]
        to = [word for one in letter.recipients for word in ("--mail-rcpt", one)]
        octets = message(author=letter.author).decode()
        return run([program, "--silent", "--show-error", *where, *who, *to, "--upload-file", "-"], octets)

    return send


def msmtp(program: str) -> Client:
    def send(relay: Running, letter: Letter) -> Seen:
        where = [
            "--file=/dev/null",
            "--host=127.0.0.1",
            f"--port={relay.submission}",
            "--tls=on",
            "--tls-starttls=on",
        ]
        trust = [f"--tls-trust-file={certificate(relay)}", "--tls-host-override=relay.localhost"]
        who = ["--auth=on", f"--user={letter.user}", f"--passwordeval=echo '{letter.password}'"]
        octets = message(author=letter.author).decode()
        return run([program, *where, *trust, *who, f"--from={letter.sender}", *letter.recipients], octets)

    return send


def smtplib_client() -> Client:
    def send(relay: Running, letter: Letter) -> Seen:
        try:
            with smtplib.SMTP("127.0.0.1", relay.submission, timeout=60) as session:
                session.starttls(context=relay.tls())
                session.login(letter.user, letter.password)
                refused = session.sendmail(letter.sender, letter.recipients, message(author=letter.author))
        except smtplib.SMTPException as error:
            return Seen(False, str(error))
        return Seen(True, str(refused))

    return send


def asked(relay: Running, letter: Letter, times: int = 1) -> str:
    """The letter as the scripts in clients/ read it."""
    return json.dumps(
        {**asdict(letter), "port": relay.submission, "ca": str(certificate(relay)), "times": times}, default=list
    )


def nodemailer(node: str, modules: Path) -> Client:
    def send(relay: Running, letter: Letter) -> Seen:
        (answer,) = nodemailer_pooled(node, modules, relay, letter, 1)
        return answer

    return send


def nodemailer_pooled(node: str, modules: Path, relay: Running, letter: Letter, times: int) -> list[Seen]:
    """So many letters one after the other over one session."""
    command = [node, str(SCRIPTS / "nodemailer.cjs"), str(modules), asked(relay, letter, times)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [Seen(one["sent"], "\n".join([one["shown"], *one["rejected"]])) for one in json.loads(done.stdout)]


def phpmailer(php: str) -> Client:
    def send(relay: Running, letter: Letter) -> Seen:
        command = [php, str(SCRIPTS / "phpmailer.php"), str(PHPMAILER), asked(relay, letter)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        answer = json.loads(done.stdout)
        return Seen(answer["sent"], answer["shown"])

    return send


def postfix(program: str) -> Client:
    """A Postfix that relays through us; its user reads the DSN, its postmaster the queue."""

    def send(relay: Running, letter: Letter) -> Seen:
        settings = POSTFIX.format(port=relay.submission, user=letter.user, password=letter.password)
        before = len(relay.lines(event="message.accepted"))
        # The DSN of whatever sender a test takes stays here.
        domain = letter.sender.partition("@")[2]
        with private_postfix.running(program, domain, settings) as one:
            with smtplib.SMTP("127.0.0.1", one.port, timeout=60) as session:
                session.sendmail(letter.sender, letter.recipients, message(author=letter.author))
            told = one.told()
        accepted = len(relay.lines(event="message.accepted")) > before
        return Seen(accepted and not told, re.sub(r"\s+", " ", told))

    return send


def install_nodemailer(npm: str, folder: Path) -> Path:
    """node_modules with nodemailer, below a folder that is thrown away; without a registry, as without a program."""
    command = [
        npm,
        "install",
        "--prefix",
        str(folder),
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "nodemailer@^10",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    if done.returncode != 0 or not shutil.which("node"):
        missing = f"nodemailer cannot be installed: npm install nodemailer\n{done.stderr[-300:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return folder / "node_modules"
