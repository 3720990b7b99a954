"""swaks, curl and smtplib submit through both kinds of TLS and both AUTH mechanisms, and show refusals legibly."""

import base64
import smtplib
import subprocess

import pytest
from dialog import accepted, rule, send
from running import PASSWORD, message

NEWS, ANNE = "news@acme.test", "anne@example.test"
LOGIN = "acme/mail"
MECHANISMS = ["PLAIN", "LOGIN"]
SECURITY = ["starttls", "implicit"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("security", SECURITY)
def test_swaks_submits(shared_relay, tool, security, mechanism):
    done = swaks(shared_relay, tool("swaks"), security, mechanism, ANNE)

    assert done.returncode == 0, done.stdout
    assert "235 2.7.0 authenticated" in done.stdout
    assert "250 2.0.0 " in done.stdout


def test_swaks_shows_a_refusal_in_one_line(shared_relay, tool):
    done = swaks(shared_relay, tool("swaks"), "starttls", "PLAIN", "stranger@example.test")
    refused = [one.split(maxsplit=1)[1] for one in done.stdout.splitlines() if " 550 " in one]

    assert done.returncode == 24, "swaks' code for: no recipient was taken"
    assert [rule(one) for one in refused] == ["550 5.7.1 consent.missing"]


def swaks(relay, program, security, mechanism, recipient):
    port, tls = (relay.submission, "-tls") if security == "starttls" else (relay.implicit, "-tlsc")
    where = ["--server", f"127.0.0.1:{port}", tls, "--ehlo", "client.test"]
    who = ["--auth", mechanism, "--auth-user", LOGIN, "--auth-password", PASSWORD]
    what = ["--from", NEWS, "--to", recipient, "--header", "Subject: from swaks"]
    return subprocess.run([program, *where, *who, *what], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("security", SECURITY)
def test_curl_submits(shared_relay, tool, security, mechanism):
    done = curl(shared_relay, tool("curl"), security, mechanism, ANNE)

    assert done.returncode == 0, done.stderr
    assert "< 235 2.7.0 authenticated" in done.stderr
    assert "< 250 2.0.0 " in done.stderr


def test_curl_shows_a_refusal_in_one_line(shared_relay, tool):
    done = curl(shared_relay, tool("curl"), "implicit", "PLAIN", "stranger@example.test")
    refused = [one.removeprefix("< ").strip() for one in done.stderr.splitlines() if one.startswith("< 550")]

    assert done.returncode == 55
    assert [rule(one) for one in refused] == ["550 5.7.1 consent.missing"]


def curl(relay, program, security, mechanism, recipient):
    url = f"smtp://127.0.0.1:{relay.submission}/client.test"
    if security == "implicit":
        url = f"smtps://127.0.0.1:{relay.implicit}/client.test"
    where = [url, "--ssl-reqd", "--insecure", "--verbose", "--silent"]
    who = ["--user", f"{LOGIN}:{PASSWORD}", "--login-options", f"AUTH={mechanism}"]
    what = ["--mail-from", NEWS, "--mail-rcpt", recipient, "--upload-file", "-"]
    octets = message(subject="from curl").decode()
    return subprocess.run([program, *where, *who, *what], input=octets, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("security", SECURITY)
def test_smtplib_submits(shared_relay, security, mechanism):
    with connected(shared_relay, security) as session:
        session.ehlo()
        assert session.esmtp_features["auth"].split() == MECHANISMS
        session.user, session.password = LOGIN, PASSWORD
        ask = session.auth_plain if mechanism == "PLAIN" else session.auth_login
        assert session.auth(mechanism, ask) == (235, b"2.7.0 authenticated")
        accepted(send(session, NEWS, [ANNE], message())[-1])


def connected(relay, security):
    if security == "implicit":
        return smtplib.SMTP_SSL("127.0.0.1", relay.implicit, timeout=60, context=relay.tls())
    session = smtplib.SMTP("127.0.0.1", relay.submission, timeout=60)
    session.starttls(context=relay.tls())
    return session


def test_a_wrong_password_is_refused_on_both_listeners(shared_relay):
    for security in SECURITY:
        with connected(shared_relay, security) as session, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            session.login(LOGIN, "not the password")
        assert refused.value.smtp_code == 535


def test_auth_is_neither_offered_nor_taken_in_clear(shared_relay):
    token = base64.b64encode(f"\0{LOGIN}\0{PASSWORD}".encode()).decode()
    with smtplib.SMTP("127.0.0.1", shared_relay.submission, timeout=60) as session:
        session.ehlo()
        assert not session.has_extn("auth")
        assert session.has_extn("starttls")
        assert session.docmd("AUTH", f"PLAIN {token}")[0] in (530, 538)
        assert session.docmd("MAIL", f"FROM:<{NEWS}>")[0] == 530


def test_the_extensions_of_a_submission_server_are_offered(shared_relay):
    with connected(shared_relay, "implicit") as session:
        session.ehlo()
        offered = session.esmtp_features

    assert {"pipelining", "8bitmime", "size", "dsn", "enhancedstatuscodes", "auth", "xlist"} <= set(offered)
    assert int(offered["size"]) == 26_214_400
    assert not {"chunking", "smtputf8", "starttls"} & set(offered)
