"""The demo's messages, and what the relay is expected to say to each."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from relay.demo.world import DOMAIN, POSTAL_ADDRESS

NEWS = f"Acme Coffee <news@{DOMAIN}>"
HELLO = "Dear reader,\n\nthe new season's beans have arrived.\n"
_HTML_HEAD = '<html lang="en"><body><h1>New beans</h1><p>The new season has arrived.</p>'


@dataclass(frozen=True, slots=True)
class Letter:
    """One demonstration: the message, who sends it to whom, and the verdict that must come."""

    shows: str
    octets: bytes
    recipients: tuple[str, ...]
    verdict: str
    """accepted, refused, or partly."""
    rule: str = ""
    change: str = ""
    """Words that must be among what was changed."""
    account: str = "acme"
    sender: str = f"news@{DOMAIN}"
    opts_out_after: bool = False
    """Press the one-click link of the copy once it has arrived."""


def letters() -> list[Letter]:
    """In the order they are sent: the opt-out needs the copy before it."""
    return [*_rewritten(), *_refused(), *_whole_message()]


def _rewritten() -> list[Letter]:
    own = f'<p><a href="https://{DOMAIN}/unsubscribe?id=7">Unsubscribe</a> | Acme Coffee, {POSTAL_ADDRESS}</p>'
    no_address = f'<p><a href="https://{DOMAIN}/unsubscribe?id=7">Unsubscribe</a></p>'
    marked = f"{HELLO}\n-- \nAcme Coffee, {POSTAL_ADDRESS}\nUnsubscribe: {{{{unsubscribe_url}}}}\n"
    return [
        Letter("no footer at all", _text("New beans"), ("anne@example.test",), "accepted", change="footer injected"),
        Letter(
            "the customer's own link",
            _html(own),
            ("budi@example.test",),
            "accepted",
            change="own opt-out link rewritten",
        ),
        Letter(
            "a placeholder",
            _text("Hello", marked),
            ("chen@example.test",),
            "accepted",
            change="placeholder filled with the opt-out link",
        ),
        Letter(
            "own link, no address",
            _html(no_address),
            ("dewi@example.test",),
            "accepted",
            change="footer injected: address",
        ),
        Letter("text and HTML", _both(), ("chen@example.test",), "accepted", change="footer injected: link, address"),
        Letter("a test mail to oneself", _text("Test"), (f"owner@{DOMAIN}",), "accepted", change="footer injected"),
        Letter(
            "S/MIME signed",
            _signed(),
            ("chen@example.test",),
            "accepted",
            change="beside a text part for the footer",
        ),
        Letter("one-click, then …", _text("More"), ("anne@example.test",), "accepted", opts_out_after=True),
    ]


def _refused() -> list[Letter]:
    return [
        Letter("… the same person again", _text("More"), ("anne@example.test",), "refused", "consent.withdrawn"),
        Letter("nobody's permission", _text("Hi"), ("stranger@example.test",), "refused", "consent.missing"),
        Letter("not confirmed yet", _text("Hi"), ("unsure@example.test",), "refused", "consent.unconfirmed"),
        Letter("over 2 years old", _text("Hi"), ("old@example.test",), "refused", "consent.expired"),
        Letter("a role address", _text("Hi"), ("info@example.test",), "refused", "address.role"),
        Letter("several, one of them not", _text("Hi"), _SEVERAL, "partly", "consent.missing"),
        Letter(
            "suspended account",
            _text("Hi"),
            ("budi@example.test",),
            "refused",
            "standing.suspended",
            account="closed",
        ),
        Letter(
            "new account, foreign address",
            _text("Hi", author="owner@fresh.test"),
            ("budi@example.test",),
            "refused",
            "standing.pending",
            account="fresh",
            sender="owner@fresh.test",
        ),
    ]


def _whole_message() -> list[Letter]:
    foreign = _text("Hi", author="ceo@bank.test")
    return [
        Letter("somebody else's From", foreign, ("budi@example.test",), "refused", "identity.from"),
        Letter(
            "a foreign envelope sender",
            _text("Hi"),
            ("budi@example.test",),
            "refused",
            "identity.reverse_path",
            sender="ceo@bank.test",
        ),
        Letter("S/MIME encrypted", _encrypted(), ("budi@example.test",), "refused", "message.opaque"),
    ]


_SEVERAL = ("budi@example.test", "stranger@example.test", "chen@example.test")


def _message(subject: str, author: str = NEWS) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = author, "reader@example.test", subject
    return message


def _text(subject: str, text: str = HELLO, author: str = NEWS) -> bytes:
    message = _message(subject, author)
    message.set_content(text)
    return message.as_bytes(policy=SMTP)


def _html(footer: str) -> bytes:
    message = _message("New beans")
    message.set_content(f"{_HTML_HEAD}{footer}</body></html>\n", subtype="html")
    return message.as_bytes(policy=SMTP)


def _both() -> bytes:
    message = _message("Kopi baru – new beans")
    message.set_content(HELLO)
    message.add_alternative(f"{_HTML_HEAD}</body></html>\n", subtype="html")
    return message.as_bytes(policy=SMTP)


def _signed() -> bytes:
    head = f"From: {NEWS}\nTo: reader@example.test\nSubject: Signed\nMIME-Version: 1.0\n"
    head += 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="s"\n\n'
    body = "--s\nContent-Type: text/plain\n\nSigned by hand.\n"
    body += "--s\nContent-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\n"
    return (head + body + "MIIB\n--s--\n").replace("\n", "\r\n").encode()


def _encrypted() -> bytes:
    head = f"From: {NEWS}\nTo: reader@example.test\nSubject: Encrypted\nMIME-Version: 1.0\n"
    head += "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
    return (head + "Content-Transfer-Encoding: base64\n\nMIIB\n").replace("\n", "\r\n").encode()
