"""Nothing in a message makes the relay call out: no address of it is fetched, no name asked for (row 55)."""

import subprocess
import sys

import pytest
from running import Running

WATCHED = """
import sys
calls = []
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        calls.append(f"{event} {args[1:]!r}")
import relay.cli.main
sys.addaudithook(hook)
code = relay.cli.main.main(sys.argv[1:])
print("\\n".join(calls), file=sys.stderr)
sys.exit(code)
"""
LURES = b"""From: Acme <news@acme.test>\r
To: anne@example.test\r
Subject: x\r
MIME-Version: 1.0\r
List-Unsubscribe: <http://169.254.169.254/latest/meta-data/>, <https://lure.example/u>\r
Content-Type: text/html; charset=utf-8\r
\r
<html><head><link rel="stylesheet" href="http://127.0.0.1:9/x.css"><base href="http://lure.example/"></head>\r
<body background="http://lure.example/b.png"><img src="http://169.254.169.254/x"><iframe src="file:///etc/passwd">\r
</iframe><script src="http://lure.example/x.js"></script><a href="http://lure.example/unsubscribe">unsubscribe</a>\r
<p>http://lure.example/ user@lure.example</p><style>@import url(http://lure.example/y.css);</style></body></html>\r
"""


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    one = Running(tmp_path_factory.mktemp("lures"))
    one.here("db", "init")
    one.account()
    one.subscribe("anne@example.test")
    return one


def test_a_message_full_of_addresses_is_judged_and_rewritten_without_a_call(relay):
    message = relay.folder / "lures.eml"
    message.write_bytes(LURES)
    words = ["--config", str(relay.config), "check", str(message), "--account", "acme", "--to", "anne@example.test"]

    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *words, "--out", str(relay.folder / "out")],
        capture_output=True, text=True, timeout=60, cwd=relay.folder, env=relay.environ(),
    )  # fmt: skip

    assert done.returncode in (0, 1), done.stderr
    assert done.stdout
    assert done.stderr.strip() == ""
