"""Writing text in the charset of one part, so that every reader of the part sees what was meant."""

from __future__ import annotations

import codecs
import string
import unicodedata
from dataclasses import dataclass

from relay.message.charset import codec_named
from relay.message.parts import DisplayedPart
from relay.message.transfer import IDENTITY

_ASCII_LABELS = frozenset({"", "us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"})
_WIDE = {"utf16": "utf-16", "utf32": "utf-32"}


@dataclass(slots=True)
class Pen:
    """A codec to write one part with."""

    codec: str
    html: bool
    readable: bool = True
    """False: a charset that spells ASCII in its own way (UTF-7, HZ, EBCDIC), which few readers know any more."""

    def octets(self, text: str) -> bytes:
        """The text encoded; what the charset lacks becomes a character reference in HTML, else the nearest ASCII."""
        try:
            return text.encode(self.codec, "xmlcharrefreplace" if self.html else "strict")
        except UnicodeEncodeError:
            plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
            return plain.encode(self.codec, "replace")

    def can_write(self, text: str) -> bool:
        """Whether the text comes out as it is, or as references, for any reader of today."""
        if self.html or not self.readable:
            return self.readable
        try:
            text.encode(self.codec)
        except UnicodeEncodeError:
            return False
        return True


def pen_for(displayed: DisplayedPart) -> Pen:
    """The narrowest codec that the part's label promises: a reader may take 'iso-8859-1' or no label at its word."""
    codec = wide_codec(displayed)
    if codec or (displayed.charset != "utf-8" and not _spells_ascii(displayed.charset)):
        return Pen(codec or displayed.charset, displayed.html, readable=bool(codec))
    if _is_wrongly_wide(displayed):
        return Pen("ascii", displayed.html, readable=False)
    codec = _promised(displayed)
    stays_seven_bit = codec.startswith("iso2022") or displayed.part.encoding not in IDENTITY - {"8bit", "binary"}
    if displayed.html and not stays_seven_bit:
        codec = "ascii"
    return Pen(codec, displayed.html)


def wide_codec(displayed: DisplayedPart) -> str:
    """UTF-16 or UTF-32 with its byte order and without a mark, which stands once at the start; '' for any other."""
    if displayed.charset == "utf-8":
        return ""
    name = codecs.lookup(displayed.charset).name
    family = _WIDE.get(name.replace("-", "")[:5])
    if family is None or name != family:
        return name if family else ""
    big = displayed.decoded.startswith((b"\xfe\xff", b"\x00\x00\xfe\xff"))
    return f"{family}-{'be' if big else 'le'}"


def _is_wrongly_wide(displayed: DisplayedPart) -> bool:
    """Whether the label names a charset of other octets than these: once they are more, they might pass for it."""
    label = displayed.part.parameters.get("charset", "").strip().lower()
    if label in _ASCII_LABELS or label == "utf-8":
        return False
    named = codec_named(label)
    return bool(named) and named != displayed.charset and not _spells_ascii(named)


def _promised(displayed: DisplayedPart) -> str:
    label = displayed.part.parameters.get("charset", "").strip().lower()
    if label in _ASCII_LABELS or codec_named(label) != displayed.charset:
        return "ascii"
    try:
        return codecs.lookup(label).name
    except LookupError:
        # A name of our own table: written as that codec, unless the name promises nothing.
        return "ascii" if displayed.charset == "utf-8" and "utf" not in label else displayed.charset


def _spells_ascii(codec: str) -> bool:
    return string.printable.encode(codec) == string.printable.encode("ascii")
