"""Answers people write to a message: whether one asks for no more of them, in its writer's own words (clause 5.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from config import lists
from relay.message.charset import decode_lenient
from relay.message.decode import decoded_octets
from relay.message.mime_header import decoded
from relay.message.opt_out import mentions
from relay.message.parts import Message, Part
from relay.message.scan import scan
from relay.message.wording import Phrases, words

MAX_OWN_WORDS = 60
"""A longer answer is a letter to a person, whatever it mentions."""
MAX_TEXT = 65_536
"""Octets of a part that are looked at."""

_WHOLE = Phrases(lists.lines("opt_out_replies.txt"))
_ANSWERED = re.compile(r"\s*(?:re|aw|sv|fwd?|wg|bls|balas|trs)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_QUOTE_BEGINS = re.compile(
    r"-{2,}\s*(?:original message|forwarded message|pesan asli|ursprüngliche nachricht)|_{10,}\s*$|-- ?$"
    r"|(?:from|von|dari|de)\s*:\s.*@"
    r"|(?:on|am|pada|le|el)\b.{4,200}\b(?:wrote|schrieb|menulis|a écrit|escribió)\s*:\s*$",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]{0,2000}>|[^<]+|<")
"""A tag, a run of text, or a sign that begins neither; every octet is looked at once."""
_NOT_SAID = frozenset({"head", "style", "script", "blockquote"})
_BREAKING = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3"})
_BY_ITSELF = ("x-autoreply", "x-autorespond", "x-auto-response", "x-failed-recipients", "list-id")
"""Fields that robots and lists write, and people's programs do not."""
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})


def asks_to_stop(raw: bytes) -> bool:
    """Whether a person wrote this, and asks above all quotation for no more mail."""
    message = scan(raw)
    # In the octets as they came: a broken report is mended into something else, and stays a report.
    if b"multipart/report" in raw.partition(b"\r\n\r\n")[0].lower() or _is_automatic(message):
        return False
    subject = decoded(message.first("subject"))
    if not _ANSWERED.match(subject) and (_WHOLE.whole(words(subject)) or mentions(subject)):
        return True
    own = list(_own_lines(_text(message)))
    said = " ".join(own)
    if len(said.split()) > MAX_OWN_WORDS:
        return False
    return any(_WHOLE.whole(words(line)) for line in own) or mentions(said)


def everything_written(raw: bytes) -> str:
    """The text parts as they stand, quotation and markup too: where links of ours may stand."""
    message = scan(raw)
    parts = [part for part in _leaves(message.root) if part.content_type in ("text/plain", "text/html")]
    octets = [(decoded_octets(message.raw, part) or b"")[:MAX_TEXT] for part in parts[:10]]
    return "\n".join([one.decode("ascii", "replace") for one in octets])


def _is_automatic(message: Message) -> bool:
    """An automatic answer (RFC 3834 §5) or list mail."""
    if message.first("auto-submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return True
    if message.first("precedence").lower() in _BULK:
        return True
    return any(message.first(name) for name in _BY_ITSELF)


def _text(message: Message) -> str:
    """The first displayed text part; HTML without its tags."""
    for part in _leaves(message.root):
        if part.content_type in ("text/plain", "text/html") and part.disposition != "attachment":
            octets = decoded_octets(message.raw, part) or b""
            text = decode_lenient(octets[:MAX_TEXT], part.parameters.get("charset", ""))
            return _said_in(text) if part.content_type == "text/html" else text
    return ""


def _said_in(markup: str) -> str:
    """The text of HTML, a line a block; without what was quoted."""
    said: list[str] = []
    inside = 0
    for found in _MARKUP.finditer(markup):
        closing, name = found[1], (found[2] or "").lower()
        if name in _NOT_SAID:
            inside = max(0, inside + (-1 if closing else 1))
        elif name:
            said.append("\n" if name in _BREAKING else " ")
        elif not inside:
            said.append(found[0])
    return unescape("".join(said))


def _leaves(part: Part) -> Iterator[Part]:
    if not part.children:
        yield part
    for child in part.children:
        yield from _leaves(child)


def _own_lines(text: str) -> Iterator[str]:
    """What the writer wrote: lines above and between quotation, up to the quoted message or the signature."""
    for line in text.splitlines():
        line = line.strip()
        if _QUOTE_BEGINS.match(line):
            return
        if line and not line.startswith((">", "|")):
            yield line
