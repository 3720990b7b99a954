"""Messages of many shapes, made from a seed: what customers' programs send, and what they should not but do."""

from __future__ import annotations

import base64
import quopri
import random
from collections.abc import Callable

WORDS = (
    *(
        "apel",
        "kopi",
        "panen",
        "Größe",
        "café",
        "naïve",
        "苹果",
        "ひらがな",
        "отписка",
        "سلام",
        "đăng",
        "unsubscribe",
    ),
    *("Rp25.000", "100%", "=", "=3D", ".", "..", "From", "--", "https://kopi.example/a?b=1&c=2", "----", "\t tab"),
    "{{unsubscribe_url}}",
)
AUTHORS = (b"Kopi <kabar@kopi.example>", b'"Kopi, Teh" <kabar@kopi.example>', b"kabar@kopi.example")
READERS = (b" ani@example.org", b"\r\n\tani@example.org", b"  ani@example.org  ", b" ani@example.org,\r\n  b@c.test")
SUBJECTS = (b" Panen", b"", b" =?utf-8?B?R3LDtsOfZSDoi7nmnpw=?=", b" a\r\n \tb ", b"\tPanen   raya\t")
LINKS = ('<p><a href="https://kopi.example/u">Unsubscribe</a></p>', '<a href="{{unsubscribe_url}}">x</a>', "")
CHARSETS = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "shift_jis", "gb18030", "koi8-r", "iso-2022-jp")


def generated(seed: int) -> bytes:
    """One message with CRLF lines of at most 998 octets."""
    pick = random.Random(seed)
    shape = pick.choice((_plain, _plain, _html, _html, _alternative, _mixed, _attachment))
    header = _header(pick)
    kind, body = shape(pick)
    raw = header + kind + b"\r\n" + body
    return raw if pick.random() < 0.9 else raw.rstrip(b"\r\n") + b"\r\n" * pick.randrange(4)


def _header(pick: random.Random) -> bytes:
    fields = [b"From: " + pick.choice(AUTHORS), b"To:" + pick.choice(READERS), b"Subject:" + pick.choice(SUBJECTS)]
    fields.append(pick.choice((b"MIME-Version: 1.0", b"Mime-Version:1.0", b"MIME-VERSION: 1.0 (a comment)")))
    more = [
        b"Date: Tue, 14 Nov 2023 22:13:20 +0000", b"Message-ID: <" + str(pick.random()).encode() + b"@kopi.example>",
        b"Reply-To: a@kopi.example", b"List-Unsubscribe: <https://kopi.example/u>", b"X-Mailer:\t\tmailer   9 ",
        b"List-Id: Kabar <kabar.kopi.example>",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=kopi.example; s=x; h=from; bh=; b=",
        b"Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000", b"Content-Language: id", b"Bcc: c@d.test",
    ]  # fmt: skip
    fields += pick.sample(more, pick.randrange(len(more)))
    pick.shuffle(fields)
    return b"".join(field + b"\r\n" for field in fields)


def _words(pick: random.Random, charset: str) -> str:
    lines = []
    for _ in range(pick.randrange(12)):
        line = " ".join(pick.choice(WORDS) for _ in range(pick.randrange(12)))
        lines.append(line + " " * pick.randrange(3) if pick.random() < 0.8 else "")
    text = "\r\n".join(lines) + "\r\n" * pick.randrange(4)
    return text.encode(charset, "ignore").decode(charset, "ignore")


def _text_part(pick: random.Random, kind: str, make: Callable[[str], str]) -> tuple[bytes, bytes]:
    charset = pick.choice(CHARSETS)
    octets = make(_words(pick, charset)).encode(charset, "ignore")
    encoding = pick.choice(("quoted-printable", "base64", "8bit"))
    if octets.isascii() and pick.random() < 0.5:
        encoding = "7bit"
    octets = {"quoted-printable": _quoted, "base64": _base64}.get(encoding, _as_it_is)(octets)
    head = f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return head.encode(), octets


def _as_it_is(octets: bytes) -> bytes:
    return octets


def _quoted(octets: bytes) -> bytes:
    return quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def _plain(pick: random.Random) -> tuple[bytes, bytes]:
    return _text_part(pick, "plain", str)


def _html(pick: random.Random) -> tuple[bytes, bytes]:
    link = pick.choice(LINKS)
    ends = pick.choice(("</body></html>\r\n", "</body>\r\n</html>\r\n\r\n", ""))
    return _text_part(pick, "html", lambda text: f"<html><body><p>{text}</p>{link}{ends}")


def _multipart(pick: random.Random, kind: str, parts: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    boundary = f"b{pick.randrange(10**9)}".encode()
    body = pick.choice((b"", b"This is MIME.\r\n", b"\r\n"))
    for head, octets in parts:
        body += b"--" + boundary + b"\r\n" + head + b"\r\n" + octets + b"\r\n"
    body += b"--" + boundary + b"--\r\n" + pick.choice((b"", b"\r\n", b"epilogue \t\r\n"))
    return f"Content-Type: multipart/{kind};\r\n boundary=".encode() + boundary + b"\r\n", body


def _alternative(pick: random.Random) -> tuple[bytes, bytes]:
    return _multipart(pick, "alternative", [_plain(pick), _html(pick)])


def _mixed(pick: random.Random) -> tuple[bytes, bytes]:
    return _multipart(pick, "mixed", [_alternative(pick), _file(pick)])


def _attachment(pick: random.Random) -> tuple[bytes, bytes]:
    return _multipart(pick, "mixed", [_plain(pick), _file(pick), _file(pick)])


def _file(pick: random.Random) -> tuple[bytes, bytes]:
    head = b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.bin\r\n"
    return head + b"Content-Transfer-Encoding: base64\r\n", _base64(pick.randbytes(pick.randrange(400)))
