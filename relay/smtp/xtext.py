"""xtext (RFC 3461 §4): how DSN parameters write characters that a command line cannot hold."""

from __future__ import annotations

_HEX = frozenset("0123456789ABCDEF")


def decode_xtext(text: str) -> str:
    """The printable ASCII it stands for; empty where the text is no xtext or stands for something else."""
    if "+" not in text:
        return text if _is_plain(text) else ""
    first, *rest = text.split("+")
    if not _is_plain(first):
        return ""
    decoded = [first]
    for piece in rest:
        code, plain = piece[:2], piece[2:]
        if len(code) != 2 or not _HEX.issuperset(code) or not _is_plain(plain):
            return ""
        decoded.append(chr(int(code, 16)) + plain)
    whole = "".join(decoded)
    # A decoded line break would become a header line of the DSN (RFC 3461 §4.4: printable only).
    return whole if whole.isascii() and whole.isprintable() else ""


def encode_xtext(text: str) -> str:
    """Printable ASCII as xtext, for the smarthost's command line."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text and "=" not in text
