"""The messages and templates of ../shared/data as a client would submit them; read where they lie, never kept."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[3] / "shared" / "data"
AUTHOR = b"From: Acme <news@acme.test>\r\n"
_NOT_MAIL = {".json", ".md", ".tsv"}
_MAILBOX_LINE = re.compile(rb"(?:>*From [^\r\n]*\r\n)?")
"""What mailbox files put before each message."""
_AUTHORS = re.compile(rb"(?im)^(?:From|Sender)[ \t]*:.*\r\n(?:[ \t].*\r\n)*")


@dataclass(frozen=True)
class Material:
    """One file: the set it belongs to, its name there, and its octets with CRLF line ends."""

    kind: str
    name: str
    octets: bytes

    @property
    def of_the_account(self) -> bytes:
        """The same with the account's From in the place of whoever wrote it."""
        mailbox_line = _MAILBOX_LINE.match(self.octets).end()
        head, blank, body = self.octets[mailbox_line:].partition(b"\r\n\r\n")
        own = _AUTHORS.sub(b"", head + b"\r\n").removesuffix(b"\r\n")
        return self.octets[:mailbox_line] + AUTHOR + own + blank + body


def messages() -> Iterator[Material]:
    """Every message, whole or broken; what is no message at all (listings, expected results) left out."""
    for path in sorted((DATA / "mime").rglob("*")):
        if path.is_file() and path.suffix not in _NOT_MAIL:
            yield Material("mime", str(path.relative_to(DATA / "mime")), crlf(path.read_bytes()))


def templates() -> Iterator[Material]:
    """Every template as the body of a message: HTML alone, text alone, and both where it comes in both."""
    folder = DATA / "templates"
    for path in sorted(folder.rglob("*")):
        name, octets = str(path.relative_to(folder)), path.read_bytes() if path.is_file() else b""
        if path.suffix == ".html":
            yield Material("templates", name, _wrapped(_part(b"text/html", octets)))
            twin = path.with_suffix(".txt")
            if twin.exists():
                both = _alternative(_part(b"text/plain", twin.read_bytes()), _part(b"text/html", octets))
                yield Material("templates", f"{name} + .txt", _wrapped(both))
        elif path.suffix == ".txt":
            yield Material("templates", name, _wrapped(_part(b"text/plain", octets)))


def crlf(octets: bytes) -> bytes:
    """LF and lone CR to CRLF, as a mail program does with a file."""
    lines = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _part(kind: bytes, octets: bytes) -> bytes:
    encoded = quopri.encodestring(octets.replace(b"\r\n", b"\n"))
    return (
        b"Content-Type: " + kind + b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    ) + crlf(encoded)


def _alternative(*parts: bytes) -> bytes:
    bodies = b"".join(b"--=_b\r\n" + part for part in parts)
    return b'Content-Type: multipart/alternative; boundary="=_b"\r\n\r\n' + bodies + b"--=_b--\r\n"


def _wrapped(entity: bytes) -> bytes:
    return b"To: reader@example.test\r\nSubject: A template\r\nMIME-Version: 1.0\r\n" + entity
