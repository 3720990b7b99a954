"""What stands at the bottom of a displayed part: opt-out links with only footer content below (clause 5.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from config import lists
from policies.facts import FooterIdentity
from relay.message import opt_out
from relay.message.address_words import COUNTRIES
from relay.message.look import Seen
from relay.message.placeholders import OPT_OUT_PATTERN
from relay.message.wording import Phrases, words

MAX_FOOTER = 3000
"""Characters below an opt-out link; more is no footer."""
MAX_LINE = 700
"""Characters of one line of a footer (legal text runs long)."""
_REST = 80
"""Characters that may end the sentence an opt-out link stands in."""

_FOOTER = Phrases(lists.lines("footer_words.txt"))
_FOOTER_SAYINGS = Phrases([one for one in lists.lines("footer_words.txt") if " " in one.strip() or not one.isascii()])
_SENTENCE = 10
"""Words from which on one footer word ('contact', 'privacy') does not make a line footer content; a saying does."""
_CONTENT = Phrases(lists.lines("content_words.txt"))
_PRICE = re.compile(r"[$€£¥₹%]\s?\d|\d\s?[%€£₹]|\brp\.?\s?\d|\bidr\s?\d|!", re.IGNORECASE)
_CONTACT = re.compile(r"\s*(?:[\w.+-]+@[\w.-]+|(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)+/?|\+?[\d\s().-]{6,24})\s*")
_COMPANY = re.compile(
    r"\b(?:inc|ltd|llc|llp|plc|gmbh|ag|kg|corp|corporation|company|limited|co|bv|b\.v|nv|sa|sarl|sas|srl|spa|ab|oy"
    r"|as|aps|pty|sdn\sbhd|pte|pt|tbk|cv|ud|foundation|e\.v|ltda|kft|s\.r\.o|sp\.\sz\so\.o|doo|ooo)\b",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|suite|ste|floor|fl|unit|building|box|square"
    r"|jl|jln|jalan|gedung|lantai|kel|kec|kab|kota|rt|rw|str|strasse|straße|platz|weg|rue|via|calle|avenida|rua"
    r"|laan|straat|gade|vej|gatan|vägen|ulica|ul|utca)\b|stra(?:ß|ss)e\b|straat\b",
    re.IGNORECASE,
)
_EASTERN = re.compile(r"〒|株式会社|有限会社|合同会社|有限公司|股份公司|주식회사|丁目|番地|\(주\)")
_EASTERN_LINE = 60
"""Characters of a line with a company or an address in East Asian letters."""
_NETWORKS = re.compile(
    r"\s*(?:https?:)?//(?:[\w-]+\.)?(?:facebook\.com|fb\.me|instagram\.com|x\.com|twitter\.com|linkedin\.com|youtube\.com"
    r"|youtu\.be|tiktok\.com|pinterest\.\w+|threads\.net|t\.me|wa\.me|whatsapp\.com|discord\.gg|discord\.com|bsky\.app"
    r"|snapchat\.com|vimeo\.com|github\.com|line\.me|weibo\.com|vk\.com|xing\.com|flickr\.com|tumblr\.com)(?:/|\Z)",
    re.IGNORECASE,
)
_NETWORK_WORDS = 2
_RIGHTS = re.compile(r"[©®™]|\(c\)\s*\d{4}", re.IGNORECASE)


@dataclass(slots=True)
class Piece:
    """A stretch of one line: text of one look, in one link or none."""

    text: str
    seen: Seen = Seen.YES
    link: int = -1
    """Index of the link in the part, -1 for none."""
    href: str = ""
    object: bool = False
    """A picture or control that shows something of its own."""
    pale: bool = False
    """Text of less contrast than is easy to read."""


@dataclass(frozen=True, slots=True)
class OwnLink:
    """An opt-out link a reader sees at the bottom."""

    link: int
    text: str
    href: str
    pale: bool = False
    """Seen, but of little contrast."""


@dataclass(slots=True)
class Bottom:
    """Takes lines from the last one up for as long as they are footer content."""

    identity: FooterIdentity
    public_url: str = ""
    """Prefix of our own opt-out links: these count whatever they say."""
    links: list[OwnLink] = field(default_factory=list)
    below: int = 0
    _names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        known = f"{self.identity.organisation} {self.identity.postal_address}"
        self._names = frozenset(words(known).split())

    def take(self, line: list[Piece]) -> bool:
        """Whether the line above this one may still be at the bottom."""
        shown = [piece for piece in line if piece.seen is not Seen.NO]
        if not any(piece.text.strip() or piece.object for piece in shown):
            return True
        at, link = self._last_opt_out(shown)
        if link is None:
            footer = self.is_footer(shown)
            self.below += sum(len(piece.text) for piece in shown)
            return footer and self.below <= MAX_FOOTER
        rest = [piece for piece in shown[at + 1 :] if piece.link != link.link]
        if not self._ends_well(rest):
            return False
        self.links.append(link)
        return self._more_in(shown[:at])

    def _more_in(self, before: list[Piece]) -> bool:
        """Further opt-out links earlier in the line, and whether what is left of it is footer content."""
        at, link = self._last_opt_out(before)
        while link is not None:
            if all(known.link != link.link for known in self.links):
                self.links.append(link)
            before = before[:at]
            at, link = self._last_opt_out(before)
        return self.is_footer(before)

    def _last_opt_out(self, shown: list[Piece]) -> tuple[int, OwnLink | None]:
        for at in range(len(shown) - 1, -1, -1):
            piece = shown[at]
            if piece.link >= 0 and piece.seen is Seen.YES and piece.text.strip():
                link = self._opt_out(shown, piece)
                if link is not None:
                    return at, link
        return -1, None

    def _opt_out(self, shown: list[Piece], piece: Piece) -> OwnLink | None:
        text = "".join([one.text for one in shown if one.link == piece.link and one.seen is Seen.YES])
        pale = any(one.pale for one in shown if one.link == piece.link)
        link = OwnLink(piece.link, " ".join(text.split()), piece.href, pale)
        if self.public_url and piece.href.startswith(self.public_url):
            return link
        if OPT_OUT_PATTERN.search(piece.href):
            return link
        if not opt_out.could_lead(piece.href):
            return None
        if opt_out.worded(text):
            return link
        if not opt_out.says_nothing(text):
            return None
        if opt_out.url_says(piece.href):
            return link
        first = next(at for at, one in enumerate(shown) if one.link == piece.link)
        last = max(at for at, one in enumerate(shown) if one.link == piece.link)
        before = "".join([one.text for one in shown[:first]])
        after = "".join([one.text for one in shown[last + 1 :]])
        return link if opt_out.sentence_says(before, after) else None

    def _ends_well(self, rest: list[Piece]) -> bool:
        """Whether what follows the link in its line ends its sentence or is footer content."""
        text = "".join([piece.text for piece in rest])
        if any(piece.object for piece in rest):
            return self.is_footer(rest)
        said = words(text)
        if len(text.strip()) <= _REST and not _PRICE.search(text) and not _CONTENT.find(said):
            return True
        return self.is_footer(rest)

    def is_footer(self, shown: list[Piece]) -> bool:
        """Whether a line may stand below an opt-out link; in doubt it may not."""
        if any(piece.object and not (words(piece.text) and self._footer_text(piece.text)) for piece in shown):
            return False
        if any(piece.link >= 0 for piece in shown) and all(_is_social(piece) for piece in shown):
            return True
        return self._footer_text("".join([piece.text for piece in shown]))

    def _footer_text(self, raw: str) -> bool:
        text = opt_out.without_merge_tags(raw).strip()
        if len(text) > MAX_LINE:
            return False
        said = words(text)
        if not said:
            return True
        known = sum(word in self._names for word in said.split())
        if known and known * 2 >= len(said.split()):
            return True
        if _CONTENT.find(said) or (_PRICE.search(text) and not _RIGHTS.search(text)):
            return False
        sayings = _FOOTER if said.count(" ") < _SENTENCE else _FOOTER_SAYINGS
        if _RIGHTS.search(text) or sayings.find(said) or _CONTACT.fullmatch(text):
            return True
        return _is_address(text, said) or opt_out.worded(text)


def _is_social(piece: Piece) -> bool:
    """A link into a social network with no more than its name, or a blank between two of them."""
    if piece.link < 0:
        return not words(piece.text)
    return _NETWORKS.match(piece.href) is not None and words(piece.text).count(" ") < _NETWORK_WORDS


def _is_address(text: str, said: str) -> bool:
    """Whether a line looks like a company's name or a piece of its address; sentences do not."""
    count = said.count(" ") + 1
    if count > 24:
        return False
    if said in COUNTRIES or (len(text) <= _EASTERN_LINE and _EASTERN.search(text)):
        return True
    if _COMPANY.search(text) and count <= 8:
        return True
    named = sum(word[:1].isupper() or word[:1].isdigit() for word in text.split())
    formal = named * 10 >= len(text.split()) * 6
    digits = any(c.isdigit() for c in text)
    return formal and (bool(_STREET.search(text)) or digits) and (digits or "," in text)
