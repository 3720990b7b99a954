"""Recipes, a key and small messages that the rewriting tests share."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.adapters.dkim_keys import RsaSigner
from relay.message.dkim import SigningFault
from relay.message.parts import DisplayedPart, Edit, Message, Part
from relay.message.recipe import CopyRecipe, Recipe
from relay.message.recode import walk
from relay.message.scan import scan

RECIPE = Recipe(
    ref="01KB0000000000000000000000",
    hostname="relay.example",
    platform_name="Post Haus",
    mail_domain="b.relay.example",
    organisation="Kopi & Teh",
    postal_address="Jalan Melati 7\n55281 Yogyakarta",
    account_name="kopi",
    list_name="kabar",
    list_id_domain="kabar.kopi.b.relay.example",
    campaign="panen",
    received_from="from [127.0.0.1] (client.example [127.0.0.1]) by relay.example with ESMTPSA id 01KB",
    date=1_700_000_000,
    nonce="c0ffee",
    signers=(("kopi.example", "r1"), ("b.relay.example", "r2")),
)
COPY = CopyRecipe(
    recipient="ani@example.org",
    contact_id=7,
    reverse_path="v7@b.relay.example",
    opt_out_url="https://relay.example/u/AbCdEfGh0123456789-_=x",
    opt_out_mailto="mailto:u-abcdefgh@b.relay.example",
    feedback_id="f-abcdefgh",
)
OTHER = replace(
    COPY,
    recipient="budi@example.org",
    opt_out_url="https://relay.example/u/ZZZZZZZZ0000?l=id&n=1",
    opt_out_mailto="mailto:u-zzzzzzzz@b.relay.example",
    feedback_id="f-zzzzzzzz",
)


@cache
def signer(domain: str, selector: str) -> RsaSigner:
    return RsaSigner(domain, selector, generate_private_key(public_exponent=65537, key_size=2048))


class Keys:
    """A key for every name asked for but 'missing'."""

    def signer(self, domain: str, selector: str) -> RsaSigner:
        if selector == "missing":
            raise SigningFault("no such key")
        return signer(domain, selector)


def record(name: bytes, timeout: int = 5) -> bytes:
    """The TXT record of one of `Keys`, as dkimpy asks for it."""
    selector, _, domain = name.decode().rstrip(".").partition("._domainkey.")
    public = signer(domain, selector).key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def verified(raw: bytes) -> list[bool]:
    """dkimpy's verdict on each signature."""
    count = raw.partition(b"\r\n\r\n")[0].count(b"\r\nDKIM-Signature:")
    return [dkim.DKIM(raw, minkey=2048).verify(idx=at, dnsfunc=record) for at in range(count)]


def message(*lines: str | bytes) -> Message:
    """Lines to a scanned message with CRLF; text is UTF-8."""
    octets = [line.encode() if isinstance(line, str) else line for line in lines]
    return scan(b"\r\n".join(octets) + b"\r\n")


HEAD = ("From: Kopi <kabar@kopi.example>", "To: ani@example.org", "Subject: Panen", "MIME-Version: 1.0")


def part_of(message: Message, number: str) -> Part:
    return next(part for part in walk(message.root) if part.number == number)


def shown(
    message: Message,
    decoded: bytes,
    number: str = "1",
    charset: str = "utf-8",
    links: tuple[bytes, ...] = (),
    addresses: tuple[bytes, ...] = (),
    before: bytes | None = None,
    needs: str = "",
    language: str = "en",
    rtl: bool = False,
    flowed: bool = False,
) -> DisplayedPart:
    """A displayed part; `links` and `addresses` are octets to replace, `before` what the footer stands before."""
    part = part_of(message, number)
    html = part.content_type == "text/html"
    edits = [Edit(decoded.index(one), decoded.index(one) + len(one), "href" if html else "url") for one in links]
    for one in addresses:
        edits.append(Edit(decoded.index(one), decoded.index(one) + len(one), "postal_address"))
    at = len(decoded) if before is None else decoded.rindex(before)
    edits.sort(key=lambda edit: edit.start)
    return DisplayedPart(
        part, charset, decoded, html, edits, at, "link" in needs, "address" in needs, language, rtl, flowed
    )


def body_lines(raw: bytes) -> Iterator[bytes]:
    yield from raw.partition(b"\r\n\r\n")[2].split(b"\r\n")
