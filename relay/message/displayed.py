"""Which parts of a message a reader is shown as text, and which messages nobody but their reader can open."""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.message.parts import Message, Part

_PLAIN = frozenset({"text/plain", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown"})
"""Shown as they stand by programs that know no better (RFC 2046 §4.1.4)."""
AMP = "text/x-amp-html"
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


@dataclass(slots=True)
class Shown:
    """Displayed text parts in order, what of the message must stay as it is, and why it is closed to us."""

    parts: list[Part] = field(default_factory=list)
    sealed: list[Part] = field(default_factory=list)
    """Signed parts: shown as well, but every octet of them stays (RFC 1847 §2.1)."""
    amp: list[Part] = field(default_factory=list)
    """AMP versions, into which no link of ours can be written; each has a sibling that says the same."""
    opaque: str = ""
    """Empty: the message can be read and rewritten."""


def displayed_parts(message: Message) -> Shown:
    """Walks the tree in order, not into attached messages; iterative."""
    shown = Shown()
    waiting: list[tuple[Part, Part | None]] = [(message.root, None)]
    blank: list[Part] = []
    while waiting:
        part, parent = waiting.pop()
        shown.opaque = _closed(message.raw, part, parent)
        if shown.opaque:
            return shown
        if part.content_type == "multipart/signed":
            shown.sealed.append(part)
            waiting.extend((child, part) for child in reversed(part.children))
        elif part.content_type.startswith("multipart/"):
            waiting.extend((child, part) for child in reversed(part.children))
        elif shown.sealed and part.end <= shown.sealed[-1].end:
            continue
        elif part.content_type == AMP and part.disposition != "attachment":
            shown.amp.append(part)
        elif _is_shown(part, parent, message.raw):
            shown.parts.append(part)
        elif part.content_type == "text/plain" and part.disposition != "attachment" and not part.filename:
            blank.append(part)
    shown.parts = shown.parts or blank[:1]
    return shown


def lacks_text(message: Message, shown: list[Part], sealed: list[Part]) -> bool:
    """Whether a text for the footer has to be added: nothing is shown, or nothing that may be written into follows
    what is sealed.
    """
    if not shown or not sealed:
        return not shown
    if message.root.content_type != "multipart/mixed":
        return True
    end = max(part.end for part in sealed)
    return not any(part.start >= end and part in message.root.children for part in shown)


def _closed(raw: bytes, part: Part, parent: Part | None) -> str:
    """Why the part closes the message to us: encrypted, in one opaque piece, or a piece of something; else empty."""
    kind = part.content_type
    if kind == "multipart/signed" and not raw[part.body : part.end].isascii():
        return "the message is signed over 8-bit octets, which break on their way (RFC 1847 section 2.1)"
    if kind == "multipart/encrypted":
        return "the message is encrypted (PGP/MIME); no footer can be written into it"
    if kind in _SMIME and (parent is None or part.disposition != "attachment"):
        enveloped = part.parameters.get("smime-type", "").lower() in ("enveloped-data", "authenveloped-data")
        what = "S/MIME encrypted" if enveloped else "S/MIME signed or encrypted in one opaque part"
        return f"the message is {what}; no footer can be written into it"
    if kind == AMP and part.disposition != "attachment" and not _has_other_versions(parent):
        return "the message has an AMP version alone, into which no opt-out link of ours can be written"
    if kind == "message/partial":
        return "the message is a piece of another one (message/partial), which is read without its footer"
    return ""


def _has_other_versions(parent: Part | None) -> bool:
    return parent is not None and any(one.content_type != AMP for one in parent.children)


def pgp_encrypted(text: bytes) -> str:
    """Why a text with PGP armour in it is opaque; empty: it is not encrypted (RFC 9580 §6.2)."""
    if not _begins_line(text, b"-----BEGIN PGP MESSAGE-----"):
        return ""
    return "the message is PGP encrypted in its text; no footer can be written into it"


def pgp_signed(text: bytes) -> bool:
    """Whether a text is PGP signed in itself (RFC 9580 §7): nothing may be written into it."""
    return _begins_line(text, b"-----BEGIN PGP SIGNED MESSAGE-----")


def _begins_line(text: bytes, mark: bytes) -> bool:
    at = text.find(mark)
    return at == 0 or (at > 0 and text[at - 1 : at] == b"\n")


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
