"""Charset labels of mail and the codecs they stand for: thirty years of names, wrong and unknown ones too."""

from __future__ import annotations

import codecs

_SUPERSETS = {
    # A label is decoded by what senders of that label really write (WHATWG Encoding Standard §4.2).
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso2022_jp": "iso2022_jp_ext",
}
_NAMES = {
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "x-utf-8": "utf-8",
    "cp-850": "cp850",
    "ansi_x3.110-1983": "cp1252",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "ks_c_5601-1987": "cp949",
    "windows-874": "cp874",
    "dos-874": "cp874",
    "unknown-8bit": "utf-8",
    "x-unknown": "utf-8",
    "default": "utf-8",
    "us-ascii": "utf-8",
    "": "utf-8",
}
_NOT_TEXT = frozenset({"base64", "bz2", "hex", "quopri", "rot13", "uu", "zlib", "punycode", "idna", "undefined"})
_NOT_TEXT_MORE = frozenset({"unicode_escape", "raw_unicode_escape", "mbcs", "oem"})


def codec_named(label: str) -> str:
    """The Python codec for a charset label; empty where there is none."""
    key = label.strip().strip("'\"").lower()
    if key in ("utf-8", "utf8"):
        return "utf-8"
    if key in _NAMES:
        return _NAMES[key]
    try:
        name = codecs.lookup(key).name
    except (LookupError, ValueError, UnicodeError):
        return ""
    if name.replace("-", "_") in _NOT_TEXT | _NOT_TEXT_MORE:
        return ""
    return _SUPERSETS.get(name, name)


def codec_for(octets: bytes, label: str) -> str:
    """A codec that decodes these octets strictly: the label's, else UTF-8, Windows-1252, Latin-1."""
    for name in (codec_named(label), "utf-8", "cp1252"):
        if name and decodes(octets, name):
            return name
    return "latin-1"


def decodes(octets: bytes, codec: str) -> bool:
    """Whether the codec takes these octets without an error."""
    if codec == "utf-8" and octets.isascii():
        return True
    try:
        octets.decode(codec)
    except (UnicodeError, ValueError, LookupError):
        return False
    return True


def decode_lenient(octets: bytes, label: str) -> str:
    """Text for people: never fails."""
    return octets.decode(codec_for(octets, label))
