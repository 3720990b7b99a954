"""HTML before and after rewriting, as a browser is shown it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rewriting_samples import COPY, RECIPE, Keys

from policies.facts import FooterIdentity
from relay.message.decode import decoded_octets
from relay.message.read import read
from relay.message.recode import walk
from relay.message.rewrite import prepare
from relay.message.scan import scan
from relay.message.transfer import encoded_quoted

FOOTER = FooterIdentity(RECIPE.organisation, RECIPE.postal_address)
URL = COPY.opt_out_url
_HEAD = (
    b"From: Kopi <kabar@kopi.example>\r\nTo: ani@example.org\r\nSubject: Panen\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)


@dataclass(frozen=True)
class Rewritten:
    before: str
    after: str
    changes: tuple[str, ...]


def rewritten(html: bytes) -> Rewritten:
    """A page of UTF-8 as the body of a message through the relay's own rewriting."""
    page = html.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
    message = scan(_HEAD + encoded_quoted(page))
    reading = read(message, FOOTER, hostname=RECIPE.hostname, public_url="https://relay.example")
    ready = prepare(message, reading.displayed, replace(RECIPE, signers=()), Keys())
    out = ready.render(COPY, eight_bit=True)
    part = next(part for part in walk(scan(out).root) if part.content_type == "text/html")
    decoded = decoded_octets(out, part) or b""
    changes = tuple(one.what for one in ready.changes if one.part)
    return Rewritten(page.decode(), decoded.decode("utf-8", "replace"), changes)
