"""Every client of docs/clients.md is accepted, and shows of each kind of refusal what the table there says."""

import functools
import re
import shutil

import mail_clients
import pytest
from dialog import REF
from mail_clients import Letter
from running import PASSWORD, ROOT

STRANGER = "stranger@example.test"
STAGES = {
    "at AUTH": (Letter(user="closed/mail"), "525 5.7.13", "standing.suspended"),
    "at MAIL": (Letter(sender="news@beta.test"), "550 5.7.1", "identity.reverse_path"),
    "at RCPT": (Letter(recipients=(STRANGER,)), "550 5.7.1", "consent.missing"),
    "after the dot": (Letter(author="news@beta.test"), "550 5.7.1", "identity.from"),
}
CLIENTS_MD = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
CLIENTS = ("swaks", "smtplib", "curl", "nodemailer", "PHPMailer", "msmtp", "Postfix")


def table():
    """client -> column -> cell of the first table of docs/clients.md."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in CLIENTS_MD.splitlines()
        if line.count("|") == 7
    ]
    head, _, *body = rows
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in body}


TABLE = table()


@pytest.fixture(scope="session")
def node_modules(tool, tmp_path_factory):
    return mail_clients.install_nodemailer(tool("npm"), tmp_path_factory.mktemp("npm"))


@pytest.fixture
def client(request, tool):
    """Sends a letter by the client of this name."""
    match request.param:
        case "swaks" | "curl" | "msmtp":
            return getattr(mail_clients, request.param)(tool(request.param))
        case "Postfix":
            return mail_clients.postfix(tool("postfix"))
        case "PHPMailer":
            php = tool("php")
            if not mail_clients.PHPMAILER.is_dir():
                tool("libphp-phpmailer")
            return mail_clients.phpmailer(php)
        case "nodemailer":
            return mail_clients.nodemailer(shutil.which("node"), request.getfixturevalue("node_modules"))
    return mail_clients.smtplib_client()


NAMED = [(name, name) for name in CLIENTS]
every_client = pytest.mark.parametrize("client", CLIENTS, indirect=True)


def test_the_table_in_docs_names_the_clients_that_run_here():
    assert set(TABLE) == set(CLIENTS)
    assert {column for row in TABLE.values() for column in row} == {*STAGES, "one of two recipients refused"}


@every_client
def test_a_client_submits(shared_relay, client):
    before = len(shared_relay.lines(event="message.accepted"))

    seen = client(shared_relay, Letter())

    assert seen.sent, seen.text
    assert len(shared_relay.lines(before + 1, event="message.accepted")) > before


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("client", "name"), NAMED, indirect=["client"], ids=CLIENTS)
def test_a_refusal_is_shown_as_docs_say(shared_relay, client, name, stage):
    letter, code, rule = STAGES[stage]

    seen = client(shared_relay, letter)

    assert not seen.sent
    assert shown(seen.text, code, rule) == TABLE[name][stage], seen.text


def shown(text, code, rule):
    """How much of a refusal a user can read."""
    text = " ".join(text.split()).replace("\\/", "/")
    whole = re.search(rf"{re.escape(rule)}: [^\[]+ \[{REF}\] https?://\S+/r/{REF}\.[a-z2-7]{{16}}", text)
    if whole:
        return "reply" if re.search(rf"\b{code[:3]}\b", text.replace(whole[0], "")) else "text"
    return "code" if re.search(rf"\b{code[:3]}\b", text) else "nothing"


@pytest.mark.parametrize(("client", "name"), NAMED, indirect=["client"], ids=CLIENTS)
def test_one_of_two_recipients_refused_ends_as_docs_say(shared_relay, client, name):
    before = len(shared_relay.lines(event="message.accepted"))

    seen = client(shared_relay, Letter(recipients=(STRANGER, "budi@example.test")))

    rest_sent = len(shared_relay.lines(before + 1, seconds=1.0, event="message.accepted")) > before
    assert TABLE[name]["one of two recipients refused"] == ("rest sent" if rest_sent else "nothing sent"), seen.text


@pytest.fixture(scope="session")
def reporting_login(shared_relay):
    shared_relay.here("credential", "add", "acme", "reporting", "--refuse", "report", "--stdin", stdin=PASSWORD)
    return "acme/reporting"


@every_client
def test_a_login_that_reports_lets_every_client_reach_the_permitted_ones(shared_relay, client, reporting_login):
    before = len(shared_relay.lines(event="message.accepted"))

    seen = client(shared_relay, Letter(recipients=(STRANGER, "budi@example.test"), user=reporting_login))

    assert seen.sent, seen.text
    assert len(shared_relay.lines(before + 1, event="message.accepted")) > before


def test_a_pooled_nodemailer_sends_again_and_again_over_one_session(shared_relay, node_modules):
    send = functools.partial(mail_clients.nodemailer_pooled, shutil.which("node"), node_modules, shared_relay)

    assert [one.sent for one in send(Letter(), 5)] == [True] * 5
    assert [one.sent for one in send(Letter(recipients=(STRANGER,)), 3)] == [False] * 3


def test_phpmailer_says_that_it_failed_although_the_rest_was_sent(shared_relay, tool):
    before = len(shared_relay.lines(event="message.accepted"))

    seen = mail_clients.phpmailer(tool("php"))(shared_relay, Letter(recipients=(STRANGER, "budi@example.test")))

    assert not seen.sent
    assert len(shared_relay.lines(before + 1, event="message.accepted")) > before


@pytest.mark.parametrize("client", ["swaks", "curl", "msmtp"], indirect=True)
def test_programs_exit_as_docs_say(shared_relay, client, request):
    name = request.node.callspec.params["client"]
    (row,) = [line for line in CLIENTS_MD.splitlines() if line.startswith(f"| {name} |") and "xit" in line]
    auth, *mail_and_rcpt, dot = [int(code) for code in re.findall(r"\b(\d+) (?:AUTH|MAIL|RCPT|after)", row)]
    wanted = [auth, mail_and_rcpt[0], mail_and_rcpt[-1], dot]

    assert [client(shared_relay, letter).exit_code for letter, _, _ in STAGES.values()] == wanted
