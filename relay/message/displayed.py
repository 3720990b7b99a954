"""Which parts of a message a reader is shown as text, and which messages nobody but their reader can open."""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.message.parts import Message, Part

_PLAIN = frozenset({"text/plain", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown"})
"""Shown as they stand by programs that know no better (RFC 2046 §4.1.4)."""
_AMP = "text/x-amp-html"
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


@dataclass(slots=True)
class Shown:
    """Displayed text parts in order, and why the message is closed to us."""

    parts: list[Part] = field(default_factory=list)
    opaque: str = ""
    """Empty: the message can be read and rewritten."""


def displayed_parts(message: Message) -> Shown:
    """Walks the tree in order, not into attached messages; iterative."""
    shown = Shown()
    waiting: list[tuple[Part, Part | None]] = [(message.root, None)]
    others: set[str] = set()
    blank: list[Part] = []
    while waiting:
        part, parent = waiting.pop()
        if _closed(part, parent, shown):
            return shown
        if part.content_type.startswith("multipart/"):
            waiting.extend((child, part) for child in reversed(part.children))
        elif _is_shown(part, parent, message.raw):
            shown.parts.append(part)
        elif part.content_type == "text/plain" and part.disposition != "attachment" and not part.filename:
            blank.append(part)
        else:
            others.add(part.content_type)
    shown.parts = shown.parts or blank[:1]
    if not shown.parts:
        shown.opaque = _without_text(message.root, others)
    return shown


def _closed(part: Part, parent: Part | None, shown: Shown) -> bool:
    """Whether the part closes the message: signed, encrypted, or a version we cannot write into."""
    kind = part.content_type
    if kind == "multipart/signed":
        pgp = "pgp" in part.parameters.get("protocol", "").lower()
        shown.opaque = f"the message is {'PGP/MIME' if pgp else 'S/MIME'} signed; a footer would break its signature"
    elif kind == "multipart/encrypted":
        shown.opaque = "the message is encrypted (PGP/MIME); no footer can be written into it"
    elif kind in _SMIME and (parent is None or part.disposition != "attachment"):
        enveloped = part.parameters.get("smime-type", "").lower() in ("enveloped-data", "authenveloped-data")
        what = "S/MIME encrypted" if enveloped else "S/MIME signed or encrypted in one opaque part"
        shown.opaque = f"the message is {what}; no footer can be written into it"
    elif kind == _AMP and part.disposition != "attachment":
        shown.opaque = "the message has an AMP version, into which no opt-out link of ours can be written"
    return bool(shown.opaque)


def inline_pgp(text: bytes) -> str:
    """Why a text with PGP armour in it is opaque; empty: it has none (RFC 9580 §6.2, §7)."""
    if b"-----BEGIN PGP " not in text:
        return ""
    at = text.find(b"-----BEGIN PGP SIGNED MESSAGE-----")
    if at == 0 or (at > 0 and text[at - 1 : at] == b"\n"):
        return "the message is PGP signed in its text; a footer would stand outside its signature"
    at = text.find(b"-----BEGIN PGP MESSAGE-----")
    if at == 0 or (at > 0 and text[at - 1 : at] == b"\n"):
        return "the message is PGP encrypted in its text; no footer can be written into it"
    return ""


def _is_shown(part: Part, parent: Part | None, raw: bytes) -> bool:
    """Text that is no attachment: neither by its disposition nor as a named file beside the text (RFC 2183)."""
    if part.content_type != "text/html" and part.content_type not in _PLAIN:
        return False
    if part.disposition == "attachment":
        return False
    if parent is None or parent.content_type == "multipart/alternative":
        return True
    first = bool(parent.children) and parent.children[0] is part
    if parent.content_type == "multipart/related":
        return first or _starts(parent, part, raw)
    if part.filename and not first:
        return False
    # A blank text beside others shows nothing: some programs write one between attachments.
    return first or bool(raw[part.body : part.end].strip())


def _starts(parent: Part, part: Part, raw: bytes) -> bool:
    """Whether a part is the root of a multipart/related by its start parameter (RFC 2387 §3.2)."""
    start = parent.parameters.get("start", "").strip()
    if not start:
        return False
    return any(
        start.encode("latin-1", "replace") in raw[one.value : one.end]
        for one in part.fields
        if one.name == "content-id"
    )


def _without_text(root: Part, others: set[str]) -> str:
    if "text/calendar" in others:
        return "the message is only a calendar invitation; there is no text to write a footer into"
    if root.disposition == "attachment" or not root.content_type.startswith("text/"):
        return "the message shows no text, only attachments or pictures; there is no place for a footer"
    return f"the message is {root.content_type}, into which no footer can be written"
