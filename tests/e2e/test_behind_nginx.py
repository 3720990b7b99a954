"""The documented nginx in front of the relay: pages and nothing else, one click over TLS, evidence nobody forges."""

import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import trustme
from dialog import accepted, send
from ports import free_ports
from reading_mail import ONE_CLICK, opt_out_of
from running import Running, message

CONF = Path(__file__).parents[2] / "docs" / "proxy" / "nginx.conf"
NEWS = "news@acme.test"
MAIN = "daemon off; pid {home}/pid; error_log stderr; events {{}} http {{ {temporary} include {home}/relay.conf; }}"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def behind(tool, authority, tmp_path_factory):
    """(relay, TLS port of nginx): the file of docs with this test's ports and certificate, nothing else changed."""
    nginx, home = tool("nginx"), tmp_path_factory.mktemp("nginx")
    (port,) = free_ports(1)
    relay = Running(tmp_path_factory.mktemp("behind"))
    config = relay.config.read_text()
    relay.config.write_text(re.sub(r'public_url = ".*"', f'public_url = "https://mail.example:{port}/mail"', config))
    relay.here("db", "init")
    relay.account()
    relay.here("list", "add", "acme", "club")
    relay.subscribe(*(f"reader{number}@example.test" for number in range(4)))
    relay.start()
    certificate = authority.issue_cert("mail.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(home / "one.pem")
    text = CONF.read_text().replace("listen 443", f"listen 127.0.0.1:{port}").replace("8580", str(relay.web))
    (home / "relay.conf").write_text(re.sub(r"/etc/ssl/mail\.example/\w+\.pem", str(home / "one.pem"), text))
    temporary = "".join(f"{name}_temp_path {home}/{name};" for name in TEMPORARY)
    (home / "nginx.conf").write_text(MAIN.format(home=home, temporary=temporary))
    process = subprocess.Popen([nginx, "-c", home / "nginx.conf", "-p", home], stderr=subprocess.PIPE)
    try:
        until_answering(port, authority, process)
        yield relay, port
    finally:
        process.terminate()
        process.wait(20)
        relay.stop()


def asked(port, authority, path, data=None, **headers):
    """(status, headers, body) as a client of mail.example gets them."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.check_hostname = False  # the name is this machine's in this test alone
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", data)
    for name, value in {"Host": f"mail.example:{port}", **headers}.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def until_answering(port, authority, process, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            asked(port, authority, "/")
            return
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate()[1].decode())


def copied_to(relay, person):
    with relay.bulk_session() as client:
        ref = accepted(send(client, NEWS, [person], message())[-1])
    (copy,) = relay.copies(ref, 1)
    return opt_out_of(copy)[0]


def path_at(url, port):
    assert url.startswith(f"https://mail.example:{port}/mail/u/")
    return url.removeprefix(f"https://mail.example:{port}")


def test_one_click_over_tls_counts_at_the_next_rcpt_with_the_clients_own_address(behind, authority):
    relay, port = behind
    path = path_at(copied_to(relay, "reader0@example.test"), port)

    status, headers, _ = asked(port, authority, path, ONE_CLICK, X_Forwarded_For="203.0.113.66, 127.0.0.1")

    assert (status, headers["Set-Cookie"], headers["Location"]) == (200, None, None)
    with relay.bulk_session() as client:
        assert send(client, NEWS, ["reader0@example.test"])[-1].startswith("550 5.7.1 consent.withdrawn: ")
    (event,) = relay.events("--event", "unsubscribe", "--recipient", "reader0@example.test")
    assert event["client"] == "127.0.0.1"


def test_pages_and_their_links_work_below_the_path(behind, authority):
    relay, port = behind
    path = path_at(copied_to(relay, "reader1@example.test"), port)
    status, headers, page = asked(port, authority, f"{path}?l=en")

    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert 'href="../me?l=en"' in page
    for public in ("/mail/me", "/mail/s/acme/club", "/mail/help/consent.missing"):
        assert asked(port, authority, public)[0] == 200, public
    with relay.bulk_session() as client:
        refused = send(client, NEWS, ["stranger@example.test"])[-1]
    found = re.search(rf"https://mail\.example:{port}(/mail/r/\S+)", refused)
    assert found is not None
    # The row behind the page is in the store a moment after the reply.
    deadline = time.monotonic() + 10
    while asked(port, authority, found[1])[0] != 200:
        assert time.monotonic() < deadline, "the refusal has no page"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/healthz",
            "/readyz",
            "/mail/healthz",
            "/mail/readyz",
            "/console/",
            "/mail/console/",
            "/",
            "/mail/",
            "/u/x",
        ),
        *("/mail/u/../healthz", "/mail/u/%2e%2e/healthz", "/mail/u/..%2fhealthz", "/mail//healthz", "/mail/s/acme"),
    ],
)
def test_nothing_else_is_public(behind, authority, path):
    _, port = behind

    status, _, page = asked(port, authority, path)

    assert status == 404
    assert "ready" not in page
    assert page != "ok\n"


def test_another_host_and_large_bodies_do_not_come_through(behind, authority):
    relay, port = behind
    path = path_at(copied_to(relay, "reader2@example.test"), port)

    assert asked(port, authority, path, Host="evil.example")[0] == 421
    assert asked(port, authority, path, b"x" * 70_000)[0] == 413
    with relay.bulk_session() as client:
        assert send(client, NEWS, ["reader2@example.test"])[-1].startswith("250 ")
