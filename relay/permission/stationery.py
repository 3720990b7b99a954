"""The relay's own letters as octets: text and HTML, told apart from customers' mail, signed (INTERFACE.md §3)."""

from __future__ import annotations

import quopri
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from relay.message.header_fields import header_field
from relay.message.trace import mail_date

_WORD = 10
"""Characters of an encoded word: at most 75 octets with its frame in every script (RFC 2047 §2)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one letter says; lines of `text` and `html` are ended by LF."""

    to: str
    sender: str
    """Display name; its characters are free, control characters excepted."""
    reply_to: str
    """Empty: none."""
    subject: str
    language: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Stationery:
    """Writes letters from no-reply@mail_domain."""

    mail_domain: str
    sign: Callable[[bytes], bytes]
    """Adds the platform's DKIM signature."""

    def message_id(self, ref: str) -> str:
        """The Message-ID of the letter with this REF."""
        return f"<{ref.lower()}@{self.mail_domain}>"

    def octets(self, letter: Letter, ref: str, at: datetime) -> bytes:
        """The whole message in 7 bits with CRLF lines; HeaderFault where a value may not stand in a header."""
        boundary = f"=_{ref}"
        fields = {
            "From": f"{_phrase(letter.sender)} <no-reply@{self.mail_domain}>",
            "To": f"<{letter.to}>",
            "Reply-To": f"<{letter.reply_to}>" if letter.reply_to else "",
            "Subject": _unstructured(letter.subject),
            "Date": mail_date(int(at.timestamp())),
            "Message-ID": self.message_id(ref),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Content-Language": letter.language,
            "MIME-Version": "1.0",
            "Content-Type": f'multipart/alternative; boundary="{boundary}"',
        }
        header = b"".join([header_field(name, value) for name, value in fields.items() if value])
        parts = [_part("plain", letter.text), _part("html", letter.html)]
        body = b"".join([b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts])
        return self.sign(header + b"\r\n" + body + b"--%b--\r\n" % boundary.encode())


def _part(kind: str, text: str) -> bytes:
    """One alternative in quoted-printable, its lines at most 76 octets (RFC 2045 §6.7)."""
    encoded = quopri.encodestring(text.encode()).replace(b"\n", b"\r\n")
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode() + encoded


def _phrase(text: str) -> str:
    """A display name as a quoted string, or as encoded words (RFC 5322 §3.2.5, RFC 2047 §5)."""
    if not text.isascii():
        return _encoded_words(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unstructured(text: str) -> str:
    return text if text.isascii() and "=?" not in text else _encoded_words(text)


def _encoded_words(text: str) -> str:
    pieces = [text[at : at + _WORD].encode() for at in range(0, len(text), _WORD)]
    return " ".join([f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in pieces])
