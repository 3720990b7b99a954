"""The yardstick: Postfix as a before-queue proxy that passes mail through without any work."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.load import SERVER_CORE, free_port, wait_for

_MAIN = """compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.localhost
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file =
syslog_name = bench-postfix
message_size_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_recipient_restrictions =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_proxy_filter = 127.0.0.1:{sink}
smtpd_proxy_timeout = 30s
local_recipient_maps =
smtpd_peername_lookup = no
"""
_MASTER = """127.0.0.1:{port} inet n - n - 40 smtpd
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(one) for one in listed.stdout.split()]


@contextlib.contextmanager
def proxy(sink_port: int) -> Iterator[tuple[int, int]]:
    """A private Postfix on one core: (its port, the pid of its master)."""
    home = Path(tempfile.mkdtemp(prefix="bench-postfix-"))
    port = free_port()
    home.chmod(0o755)
    for name, mode in (("conf", 0o755), ("queue", 0o755), ("data", 0o755)):
        (home / name).mkdir(mode=mode)
    shutil.chown(home / "data", "postfix")
    (home / "conf" / "main.cf").write_text(_MAIN.format(home=home, sink=sink_port))
    (home / "conf" / "master.cf").write_text(_MASTER.format(port=port))
    environ = {**os.environ, "MAIL_CONFIG": str(home / "conf")}
    subprocess.run(["postfix", "-c", str(home / "conf"), "check"], check=True, capture_output=True, env=environ)
    command = ["taskset", "-c", SERVER_CORE, "/usr/lib/postfix/sbin/master", "-c", str(home / "conf"), "-d"]
    null = subprocess.DEVNULL
    master = subprocess.Popen(command, env=environ, start_new_session=True, stdout=null, stderr=null)
    try:
        wait_for(port)
        yield port, master.pid
    finally:
        master.terminate()
        master.wait()
        shutil.rmtree(home, ignore_errors=True)


def pids(master: int) -> list[int]:
    """The master and all its servers as they are now."""
    return [master, *_children(master)]
