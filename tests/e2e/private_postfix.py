"""Debian's Postfix beside the relay, as its smarthost or its client: its own queue, port and Maildir."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ports import free_ports

DOMAIN = "example.test"
"""All of its addresses are delivered into one Maildir."""
_NOBODY = 65534
_MAIN = """compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = smarthost.localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file =
syslog_name = private-postfix
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
virtual_minimum_uid = 1
{settings}
"""
_MASTER = """127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
smtp unix - - n - - smtp
tlsmgr unix - - n 1000? 1 tlsmgr
showq unix n - n - - showq
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class PrivatePostfix:
    """A running Postfix: its port, and where mail arrives."""

    port: int
    maildir: Path
    home: Path

    def told(self, seconds: float = 20.0) -> str:
        """What it tells of mail it took, once every recipient is settled or waits: DSNs, then reasons to wait."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            recipients = [one for line in self._queue() for one in json.loads(line)["recipients"]]
            reasons = [one.get("delay_reason") for one in recipients]
            if all(reasons):
                return "\n".join([*(mail.decode() for mail in self.arrived(0)), *reasons])
            time.sleep(0.1)
        raise AssertionError("mail in the queue was not tried")

    def _queue(self) -> list[str]:
        command = ["postqueue", "-c", str(self.home / "conf"), "-j"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    def arrived(self, wanted: int, seconds: float = 20.0) -> list[bytes]:
        """Every message in the Maildir once there are so many."""
        deadline = time.monotonic() + seconds
        while True:
            mails = [path.read_bytes() for path in sorted((self.maildir / "new").glob("*"))]
            if len(mails) >= wanted or time.monotonic() > deadline:
                return mails
            time.sleep(0.05)


@contextlib.contextmanager
def running(postfix: str, domain: str = DOMAIN, settings: str = "") -> Iterator[PrivatePostfix]:
    """Postfix from a folder of its own that its own user may enter; needs root, as every Postfix does.

    Mail to `domain` stays here; `settings` are more lines of main.cf.
    """
    home = Path(tempfile.mkdtemp(prefix="test-postfix-"))
    (port,) = free_ports(1)
    _configure(home, port, domain, settings)
    conf = str(home / "conf")
    subprocess.run([postfix, "-c", conf, "check"], check=True, capture_output=True, umask=0o022)
    daemons = subprocess.run(["postconf", "-h", "daemon_directory"], check=True, capture_output=True, text=True)
    command = [f"{daemons.stdout.strip()}/master", "-c", conf, "-d"]
    with (home / "log").open("wb") as log:
        master = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, umask=0o022)
        try:
            _answers(port, master)
            yield PrivatePostfix(port, home / "mail" / "all", home)
        finally:
            master.terminate()
            master.wait(20)
            shutil.rmtree(home, ignore_errors=True)


def _configure(home: Path, port: int, domain: str, settings: str) -> None:
    home.chmod(0o755)
    for name in ("conf", "queue", "data", "mail"):
        (home / name).mkdir()
        (home / name).chmod(0o755)  # whatever this process's umask is
    shutil.chown(home / "data", "postfix")
    os.chown(home / "mail", _NOBODY, _NOBODY)
    (home / "conf" / "main.cf").write_text(_MAIN.format(home=home, domain=domain, nobody=_NOBODY, settings=settings))
    (home / "conf" / "master.cf").write_text(_MASTER.format(port=port))


def _answers(port: int, master: subprocess.Popen[bytes], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while master.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            if one.recv(4).startswith(b"220"):
                return
        time.sleep(0.05)
    raise AssertionError("the private Postfix did not start")
