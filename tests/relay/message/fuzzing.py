"""Messages nobody would write, and what must hold for each of them."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import replace

from bs4 import BeautifulSoup
from generated import generated
from labelled_cases import STORY, cases
from rewriting_samples import COPY, RECIPE, Keys
from selectolax.lexbor import LexborHTMLParser

from policies.facts import FooterIdentity
from relay.message.careful import read_carefully
from relay.message.header_fields import HeaderFault
from relay.message.pen import wide_codec
from relay.message.postal_address import RegisteredAddress
from relay.message.read import read
from relay.message.recode import RewriteFault
from relay.message.rewrite import prepare
from relay.message.scan import scan
from relay.message.verify import problems

FOOTER = FooterIdentity(RECIPE.organisation, RECIPE.postal_address)
ADDRESS = RegisteredAddress(FOOTER.postal_address)
ONE_SIGNER = replace(RECIPE, signers=RECIPE.signers[:1])
HOST = "https://relay.example"
CPU = 0.5
"""Seconds one message may cost, whatever it is."""
CPU_PER_OCTET = 5e-6
"""And what each octet adds."""
_OUTLINE = ("a", "p", "div", "table", "tr", "td", "span", "h1", "canvas", "select", "template", "style")
_AFTER = re.compile(rb"</(?:body|html)\s*>\s*+(?!</(?:body|html)|\Z)|<body\b.*<body\b", re.IGNORECASE | re.DOTALL)
"""Something after the end of the body, or a second one."""
_PAGES = [case.octets for label in ("honest", "tricks") for case in cases(label) if case.html]
_PIECES = (
    b"<", b">", b"</", b"<!--", b"-->", b"<a href=", b'"', b"'", b"=", b"=3D", b"=\r\n", b"\r\n", b"\r\n\r\n", b"--b",
    b"--b--\r\n", b"<style>", b"</style>", b"{", b"}", b"display:none", b"<table>", b"<td>", b"</body>", b"</html>",
    b"<body>", b"<div>" * 30, b"<plaintext>", b"<![CDATA[", b"&#0;", b"\xff\xfe", b"\xc3", b"\x1b$B", b":", b";",
    b"\t", b"Content-Type: text/html\r\n", b"Content-Transfer-Encoding: base64\r\n", b"boundary=b\r\n", b" ",
    b".\r\n", b"<template>", b"<select>", b"\x00",
)  # fmt: skip


class FuzzFault(AssertionError):
    """Something that must hold does not."""


def made(pick: random.Random) -> bytes:
    """A generated message or a labelled page, changed in some places; lines end in CRLF, as SMTP brings them."""
    raw = generated(pick.randrange(10**9)) if pick.random() < 0.5 else _page(pick)
    for _ in range(pick.choice((0, 1, 1, 2, 4, 8))):
        raw = pick.choice(_CHANGES)(raw, pick)
    return re.sub(rb"\r\n|\r|\n", b"\r\n", raw.replace(b"\0", b""))


def checked(raw: bytes) -> str:
    """What becomes of the message: 'rewritten' or why not; FuzzFault where something does not hold."""
    started = time.process_time()
    try:
        outcome = _judged(raw)
    except FuzzFault:
        raise
    except Exception as error:
        raise FuzzFault(f"{type(error).__name__}: {error}") from error
    spent = time.process_time() - started
    if spent > CPU + CPU_PER_OCTET * len(raw):
        raise FuzzFault(f"{spent:.2f} s of CPU for {len(raw)} octets")
    return outcome


def _judged(raw: bytes) -> str:
    message = scan(raw)
    reading = read(message, FOOTER, hostname=RECIPE.hostname, public_url=HOST)
    if reading.facts.faults:
        return "malformed"
    if reading.facts.opaque:
        return "opaque"
    for part, one in zip(reading.facts.parts, reading.displayed, strict=True):
        if one.html and (part.opt_out or part.placeholder):
            page = one.decoded.decode(wide_codec(one) or one.charset, "replace").encode()
            if is_read_alike(page) and not read_carefully(page, FOOTER, ADDRESS, f"{HOST}/u/").bottom:
                raise FuzzFault(f"part {part.part}: the careful reader sees no link where the fast one does")
    try:
        ready = prepare(message, reading.displayed, ONE_SIGNER, Keys())
        wrong = problems(ready, COPY, FOOTER, ONE_SIGNER)
        for eight_bit in (True, False):
            _fit_to_leave(ready.render(COPY, eight_bit))
    except (RewriteFault, HeaderFault) as fault:
        return type(fault).__name__
    return "refused after rewriting" if wrong else "rewritten"


def is_read_alike(page: bytes) -> bool:
    """Whether both parsers build the same page: lxml mends nested links and what follows the body in its way."""
    tree = LexborHTMLParser(page)
    soup = BeautifulSoup(page, "lxml", from_encoding="utf-8")
    theirs = [(node.name, node.parent.name, node.get("href")) for node in soup.find_all(_OUTLINE) if node.parent]
    same_words = (tree.root.text() if tree.root else "").split() == soup.get_text().split()
    return same_words and _outline(tree) == theirs and not _AFTER.search(page)


def _outline(tree: LexborHTMLParser) -> list[tuple[str, str, str | None]]:
    found = tree.css(",".join(_OUTLINE))
    return [(node.tag or "", (node.parent and node.parent.tag) or "", node.attributes.get("href")) for node in found]


def _fit_to_leave(out: bytes) -> None:
    rest = out.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest or b"\0" in rest:
        raise FuzzFault("a bare CR, LF or NUL would leave")
    if max(map(len, out.split(b"\r\n"))) > 998:
        raise FuzzFault("a line of more than 998 octets would leave")


def _page(pick: random.Random) -> bytes:
    page = pick.choice(_PAGES)
    if pick.random() < 0.3:
        page = page.replace(b"</body>", STORY.encode() * pick.randrange(3) + pick.choice(_PAGES) + b"</body>")
    head = b"From: a@kopi.example\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    return head + page.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _insert(raw: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(raw) + 1)
    return raw[:at] + pick.choice(_PIECES) * pick.choice((1, 1, 1, 50)) + raw[at:]


def _delete(raw: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(raw) + 1)
    return raw[:at] + raw[at + pick.choice((1, 3, 20, 200)) :]


def _repeat(raw: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(raw) + 1)
    piece = raw[at : at + pick.choice((5, 40, 300))]
    return raw[:at] + piece * pick.randrange(2, 6) + raw[at:]


def _octet(raw: bytes, pick: random.Random) -> bytes:
    at = pick.randrange(len(raw) + 1)
    return raw[:at] + bytes([pick.randrange(256)]) + raw[at + 1 :]


def _swap(raw: bytes, pick: random.Random) -> bytes:
    one, two = sorted((pick.randrange(len(raw) + 1), pick.randrange(len(raw) + 1)))
    return raw[:one] + raw[two:] + raw[one:two]


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_insert, _insert, _delete, _repeat, _octet, _swap)
