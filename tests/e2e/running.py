"""A real relay as tests see it: its own folder and free ports, the command line, the listeners, the outbox."""

from __future__ import annotations

import contextlib
import email
import email.policy
import io
import json
import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from ports import free_ports

from relay.cli.main import main

PASSWORD = "a-long-test-password"
POSTAL_ADDRESS = "1 Example Street, Example Town 12345"
RELAY = [sys.executable, "-m", "relay.cli.main"]
ROOT = Path(__file__).parents[2]
START_SECONDS = 100.0
"""Five processes read their programs; the other core may be busy with as many."""


@dataclass
class Running:
    """`relay serve` in a folder of its own; nothing runs until `start`."""

    folder: Path
    smarthost: str = "maildir:outbox"
    settings: str = ""
    """More TOML, appended."""
    log: str = ""
    """More keys of [log]."""
    store_url: str = "sqlite:///var/relay.db"
    workers: int = 1
    submission: int = 0
    implicit: int = 0
    bulk: int = 0
    intake: int = 0
    web: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _read: set[str] = field(default_factory=set, repr=False)
    _outgoing: dict[str, list[bytes]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.submission, self.implicit, self.bulk, self.intake, self.web = free_ports(5)
        self.configure()

    @property
    def config(self) -> Path:
        return self.folder / "relay.toml"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.log"

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox"

    def configure(self) -> None:
        """Write relay.toml; a running relay reads it on SIGHUP only."""
        self.config.write_text(f"""data_dir = "var"
[platform]
public_url = "http://127.0.0.1:{self.web}"
[store]
url = "{self.store_url}"
[[smarthost]]
url = "{self.smarthost}"
[web]
bind = "127.0.0.1:{self.web}"
[log]
format = "json"
{self.log}
[dns]
check_domains = false
[[listener]]
kind = "submission"
bind = "127.0.0.1:{self.submission}"
tls = "starttls"
[[listener]]
kind = "submission"
bind = "127.0.0.1:{self.implicit}"
tls = "implicit"
[[listener]]
kind = "bulk"
bind = "127.0.0.1:{self.bulk}"
tls = "none"
trusted = ["127.0.0.0/8"]
[[listener]]
kind = "intake"
bind = "127.0.0.1:{self.intake}"
tls = "none"
{self.settings}""")

    # ------------------------------------------------------------ process

    def start(self) -> None:
        """Until every process of it is ready."""
        command = [*RELAY, "--config", str(self.config), "serve", "--workers", str(self.workers)]
        with self.journal.open("ab") as log:
            before = self.journal.stat().st_size
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, env=self.environ())
        deadline = time.monotonic() + START_SECONDS
        while b'"service.started"' not in self.journal.read_bytes()[before:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                if self.process.poll() is None:
                    self.kill()
                raise AssertionError(f"the relay did not start:\n{self.journal.read_text()}")
            time.sleep(0.02)

    def stop(self) -> int:
        """SIGTERM and the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(45)

    def kill(self) -> None:
        """SIGKILL to the supervisor and every child, at once."""
        assert self.process is not None
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)

    def children(self) -> list[int]:
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    @staticmethod
    def environ() -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY")}
        return {**kept, "PYTHONPATH": str(ROOT)}

    # ------------------------------------------------------------ command line

    def relay(self, *args: str, stdin: str = "", code: int | None = 0) -> str:
        """Run one command; its standard output. `code=None` takes any exit code."""
        done = self.command(*args, stdin=stdin)
        if code is not None and done.returncode != code:
            raise AssertionError(f"relay {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def here(self, *args: str, stdin: str = "", code: int | None = 0) -> str:
        """The same command in this process, for what many tests need and none is about: no second interpreter."""
        out, err, before = io.StringIO(), io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(stdin)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                done = main(["--config", str(self.config), *args])
        finally:
            sys.stdin = before
        if code is not None and done != code:
            raise AssertionError(f"relay {' '.join(args)}: exit {done}\n{out.getvalue()}{err.getvalue()}")
        return out.getvalue()

    def command(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*RELAY, "--config", str(self.config), *args]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=60, cwd=self.folder, env=self.environ()
        )

    def json(self, *args: str, code: int | None = 0) -> object:
        return json.loads(self.here(*args, "--json", code=code))

    def account(self, name: str = "acme", domain: str = "acme.test", *, dkim: bool = True) -> None:
        """An account in good standing with a verified domain, a DKIM key, a login and a single opt-in list 'news'."""
        add = (
            "--organisation",
            name.title(),
            "--email",
            f"owner@{domain}",
            "--country",
            "US",
            "--industry",
            "retail",
        )
        self.here("account", "add", name, *add, "--postal-address", POSTAL_ADDRESS, "--accept-policy")
        self.here("domain", "add", name, domain)
        self.here("domain", "verify", name, domain, "--force", "--reason", "test")
        self.here("credential", "add", name, "mail", "--stdin", stdin=PASSWORD)
        self.here("list", "add", name, "news", "--confirm", "single")
        if dkim:
            self.here("dkim", "keygen", domain)

    def subscribe(self, *addresses: str, account: str = "acme", list_name: str = "news", days: int = 10) -> None:
        """Import addresses with a consent date so many days ago."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400 * days))
        rows = "".join(f"{address},{at},sign-up form\n" for address in addresses)
        file = self.folder / "import.csv"
        file.write_text(f"email,consented_at,consent_source\n{rows}")
        self.here("list", "import", account, list_name, str(file), "--source", "test data")

    # ------------------------------------------------------------ listeners

    def tls(self) -> ssl.SSLContext:
        (certificate,) = [path for path in (self.folder / "var").iterdir() if "self-signed" in path.name]
        context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False
        return context

    def login(self, user: str = "acme/mail", password: str = PASSWORD) -> smtplib.SMTP:
        """A session on the STARTTLS listener, authenticated."""
        client = smtplib.SMTP("127.0.0.1", self.submission, timeout=60)
        client.starttls(context=self.tls())
        client.login(user, password)
        return client

    def bulk_session(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.bulk, timeout=60)

    def http(self, path: str, data: bytes | None = None) -> tuple[int, str]:
        """GET or POST; (status, body)."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}{path}", data)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    # ------------------------------------------------------------ what came of it

    def delivered(self, wanted: int = 1, seconds: float = 20.0) -> list[bytes]:
        """The outbox once it holds so many messages, oldest first."""
        deadline = time.monotonic() + seconds
        while True:
            mails = [path.read_bytes() for path in sorted((self.outbox / "new").glob("*"))]
            if len(mails) >= wanted or time.monotonic() > deadline:
                return mails
            time.sleep(0.05)

    def copies(self, ref: str, wanted: int, seconds: float = 20.0) -> list[EmailMessage]:
        """What arrived in the outbox of one message, by its REF in our Received, once so many did."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.outgoing().get(ref, [])
            if len(found) >= wanted or time.monotonic() > deadline:
                return [email.message_from_bytes(mail, policy=email.policy.default) for mail in found]
            time.sleep(0.05)

    def outgoing(self) -> dict[str, list[bytes]]:
        """The outbox by REF; each file is read once."""
        for path in (self.outbox / "new").glob("*"):
            if path.name not in self._read:
                self._read.add(path.name)
                octets = path.read_bytes()
                ref = re.search(rb"^Received: [^;]*?\sid\s+([0-9A-Z]{26})", octets, re.MULTILINE)
                self._outgoing.setdefault(ref.group(1).decode() if ref else "", []).append(octets)
        return self._outgoing

    def events(self, *args: str, wanted: int = 1, seconds: float = 20.0) -> list[dict[str, object]]:
        """`relay log --json` once it has so many lines: rows are written a moment after the reply."""
        deadline = time.monotonic() + seconds
        while True:
            found = [json.loads(line) for line in self.here("log", *args, "--json").splitlines()]
            if len(found) >= wanted or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def lines(self, wanted: int = 0, seconds: float = 10.0, **members: object) -> list[dict[str, object]]:
        """What the relay printed on stdout with these members, once there are so many."""
        deadline = time.monotonic() + seconds
        while True:
            text = self.journal.read_text()
            found = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]
            found = [line for line in found if members.items() <= line.items()]
            if len(found) >= wanted or time.monotonic() > deadline:
                return found
            time.sleep(0.05)


def message(subject: str = "News", text: str = "Hello.\n", author: str = "Acme <news@acme.test>") -> bytes:
    """A plain message without footer."""
    head = f"From: {author}\r\nTo: reader@example.test\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    return (head + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.replace("\n", "\r\n")).encode()
