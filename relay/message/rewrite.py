"""From a message read once to the octets of each copy: links, footer, header, signatures; nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.message.dkim import SigningKeys
from relay.message.fitting import URL_ROOM, WHY_ROOM, Fitted, fitted
from relay.message.header_fields import HeaderFault
from relay.message.known_bodies import KnownBody, ReadyBody, writes
from relay.message.list_headers import is_uri
from relay.message.outgoing_header import OutgoingHeader, removed
from relay.message.parts import DisplayedPart, Message
from relay.message.placement import placed
from relay.message.recipe import CopyRecipe, Recipe
from relay.message.recode import Recode, walk
from relay.message.restructuring import restructured
from relay.message.splice import Body, Replacement
from relay.message.writing import Writing

_PLAIN = frozenset({"7bit", "8bit", "binary"})


@dataclass(slots=True)
class Change:
    """One thing rewriting changes."""

    part: str
    """Part number; empty: the header."""
    what: str


class Prepared:
    """A message ready to be rendered for any of its recipients; the same recipes give the same octets."""

    def __init__(
        self,
        message: Message,
        displayed: Sequence[DisplayedPart],
        recipe: Recipe,
        keys: SigningKeys,
        known: KnownBody | None = None,
    ) -> None:
        whole = restructured(message, displayed, recipe)
        self.message = whole.message
        self._displayed = whole.displayed
        mended = [Change(one.part, one.what) for one in message.mends]
        self._structure = (*mended, *[Change(part, what) for part, what in whole.changes])
        self._recipe = recipe
        self._keys = keys
        self._fitted: Fitted | None = None
        self.ready = self._made_ready(known if whole.message is message else None)
        """The body, which other messages may share."""
        self._header = OutgoingHeader(self._fitted.message if self._fitted else self.message, recipe, keys)
        self._seven_bit: tuple[OutgoingHeader, Body] | None = None
        self._newest: tuple[CopyRecipe, bytes, bytes] | None = None

    def _made_ready(self, known: KnownBody | None) -> ReadyBody:
        """A body that was made ready for such a recipe before is so again."""
        what = writes(self._recipe)
        ready = known.ready.get(what) if known is not None else None
        if ready is None:
            ready = ReadyBody(_body(self._fit))
            if known is not None and self._fit.message is self.message:
                known.ready[what] = ready
        return ready

    @property
    def _fit(self) -> Fitted:
        if self._fitted is None:
            self._fitted = fitted(self.message, self._displayed, self._recipe, eight_bit=True)
        return self._fitted

    @property
    def changes(self) -> tuple[Change, ...]:
        """What rewriting changes, header first, parts in order."""
        header = _header_changes(self.message, self._header, self._recipe)
        return (*header, *self._structure, *_body_changes(self._fit))

    @property
    def displayed_parts(self) -> list[str]:
        """Numbers of the parts a reader sees."""
        return [one.part.number for one in self._displayed]

    @property
    def appended(self) -> bool:
        """Whether one footer with link and address behind the last word of a plain ASCII or UTF-8 text is all.

        Nothing can hide there, and no octet before it differs from what was read already.
        """
        if len(self._fit.writings) != 1 or self.message.root.children:
            return False
        one, insertions = self._fit.writings[0].displayed, self._fit.writings[0].insertions
        plain = not one.html and not one.flowed and one.part.encoding in _PLAIN and one.charset in ("ascii", "utf-8")
        at_end = len(insertions) == 1 and insertions[0].start == insertions[0].end == len(one.decoded)
        return plain and at_end and one.needs_link and (one.needs_address or not self._recipe.inject_address)

    @property
    def writings(self) -> dict[str, Writing]:
        """What is written into each displayed part, by number; none where a part had to be encoded anew."""
        return {} if self._fit.recodes else {one.displayed.part.number: one for one in self._fit.writings}

    def body(self, copy: CopyRecipe) -> bytes:
        """One copy's body; `render` does not make it again for the same copy."""
        return self._rendered(copy)[0]

    @property
    def message_id(self) -> str:
        """Message-ID of every copy, the customer's or ours."""
        return self._header.message_id

    def unsigned(self, copy: CopyRecipe) -> bytes:
        """One copy as `render` gives it, without its signatures; for reading it again."""
        return self._header.unsigned(copy) + self.body(copy)

    def render(self, copy: CopyRecipe, eight_bit: bool) -> bytes:
        """One copy's octets: CRLF lines of at most 998 octets, signed; in 7 bits where 8BITMIME is missing.

        Raises HeaderFault for values that must not stand in a message, SigningFault without a key.
        """
        header = self._header
        octets, body_hash = self._rendered(copy)
        if not eight_bit and not octets.isascii():
            header, body = self._in_seven_bits()
            octets, body_hash = body.render(copy)
        return header.render(copy, body_hash) + octets

    def _rendered(self, copy: CopyRecipe) -> tuple[bytes, bytes]:
        """Body and body hash; the newest is kept, since it was made to be looked at before it is sent."""
        if self._newest is None or self._newest[0] is not copy:
            _assert_fits(copy)
            self._newest = copy, *self.ready.body.render(copy)
        return self._newest[1:]

    def _in_seven_bits(self) -> tuple[OutgoingHeader, Body]:
        if self._seven_bit is None:
            fit = fitted(self.message, self._displayed, self._recipe, eight_bit=False)
            self._seven_bit = OutgoingHeader(fit.message, self._recipe, self._keys), _body(fit)
        return self._seven_bit


def prepare(
    message: Message,
    displayed: Sequence[DisplayedPart],
    recipe: Recipe,
    keys: SigningKeys,
    known: KnownBody | None = None,
) -> Prepared:
    """All that the copies of one message share: where things go, what is hashed once."""
    return Prepared(message, displayed, recipe, keys, known)


def _body(fit: Fitted) -> Body:
    message, replacements = fit.message, [_last_line_end(fit.message)]
    for one in fit.writings:
        replacements += placed(message, one)
        if one.insertions:
            replacements += _stale_digests(message, one.displayed)
    return Body(message.raw, message.root.body, replacements)


def _last_line_end(message: Message) -> Replacement:
    """A body ends with a line end, whatever a file left out."""
    size = len(message.raw)
    missing = message.root.body < size and not message.raw.endswith(b"\r\n")
    return Replacement(size, size, b"\r\n" if missing else b"")


def _stale_digests(message: Message, one: DisplayedPart) -> list[Replacement]:
    """Content-MD5 of a changed part would be wrong (RFC 1864 §3)."""
    if one.part is message.root:
        return []
    return [Replacement(field.start, field.end, b"") for field in one.part.fields if field.name == "content-md5"]


def _assert_fits(copy: CopyRecipe) -> None:
    if len(copy.opt_out_url) > URL_ROOM or not is_uri(copy.opt_out_url):
        raise HeaderFault("an opt-out URL too long, or with characters that none has")
    if len(copy.why) > WHY_ROOM or not copy.why.isprintable():
        raise HeaderFault("a reason too long, or with control characters")


def _header_changes(message: Message, header: OutgoingHeader, recipe: Recipe) -> list[Change]:
    names: dict[str, str] = {}
    for field in message.root.fields:
        if removed(field.name):
            written = message.raw[field.start : field.value].decode("ascii").rstrip(": \t")
            names.setdefault(field.name, f"{written} removed")
    changes = list(names.values())
    changes += [f"{octets.partition(b':')[0].decode('ascii')} added" for _, octets in header.added]
    if recipe.list_headers:
        changes.append("List-Unsubscribe with one-click added")
    changes += [f"signed by {domain}" for domain, _ in recipe.signers]
    return [Change("", what) for what in changes]


def _body_changes(fit: Fitted) -> list[Change]:
    changes = [Change(one.part.number, _said(one)) for one in fit.recodes if not one.part.children]
    for write in fit.writings:
        said = dict.fromkeys([found.what for found in write.insertions])
        changes += [Change(write.displayed.part.number, what) for what in said]
    order = {part.number: at for at, part in enumerate(walk(fit.message.root))}
    return sorted(changes, key=lambda change: order[change.part])


def _said(change: Recode) -> str:
    charset = f" in {change.charset}" if change.charset else ""
    return f"encoded anew{charset} as {change.encoding}"
