"""The footer this relay adds: who sends, from where, why, and the way out (clauses 5.1, 5.4)."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from html import escape

from relay.message.recipe import CopyRecipe, Recipe


@dataclass(slots=True)
class Wording:
    """The footer's words in one language, both written from left to right."""

    language: str
    why: str
    unsubscribe: str
    """Text of the link; says what the link does."""


WORDINGS = {
    "en": Wording("en", "You receive this email because you are on a mailing list of {organisation}.", "Unsubscribe"),
    "id": Wording(
        "id",
        "Anda menerima email ini karena alamat Anda terdaftar di milis {organisation}.",
        "Berhenti berlangganan",
    ),
}
_SHORT = 500
"""Characters of name, address and reason that fit a line each, whatever is in them."""
TEXT_WIDTH = 72
"""Columns of a plain text footer: under the 76 of quoted-printable and the 78 of RFC 3676 §4.2."""

_TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
_GROUND = 'bgcolor="#ffffff"'
_GROUND_STYLE = "background-color:#ffffff!important"
"""The ground is said twice: Outlook reads the attribute; a page's own dark mode must not turn it without the text."""
_WORDS = "font-size:13px;line-height:20px;color:#444444"
"""9.7:1 on white."""
_FONT = f"padding:16px;text-align:center;font-family:Arial,Helvetica,sans-serif;{_WORDS}"
_LINK = (
    "font-size:13px;color:#1a4f8b;text-decoration:underline;"
    "display:inline!important;font-size:13px!important;color:#1a4f8b!important"
)
"""8.2:1 on white. Said twice: a page's own rules for links win over the first, and Outlook skips the second."""


@dataclass(slots=True)
class Footer:
    """What one part lacks, in its language and direction."""

    link: bool
    address: bool
    wording: Wording
    rtl: bool = False
    flowed: bool = False

    def html(self, recipe: Recipe, copy: CopyRecipe) -> str:
        """A table of one cell, lines ended by LF; every value escaped."""
        lines = []
        if self.address:
            lines.append("<br>\n".join([escape(line) for line in _identity(recipe)]))
        if self.link:
            name = escape(self.wording.unsubscribe)
            if recipe.footer_form == "full":
                lines.append(escape(self._why(recipe, copy)))
            lines.append(f'<a href="{escape(copy.opt_out_url)}" target="_blank" style="{_LINK}">{name}</a>')
        # In the middle, as the columns of most mail are; a phone's width it fills.
        side = f'align="center" dir="{"rtl" if self.rtl else "ltr"}"'
        body = "<br>\n".join(lines)
        return (
            f'<table {_TABLE} {_GROUND} style="{_GROUND_STYLE}">\n<tr>\n'
            f'<td {side} {_GROUND} style="{_GROUND_STYLE};{_FONT}">\n'
            f'<span lang="{self.wording.language}" dir="ltr" style="{_WORDS};color:#444444!important">{body}</span>\n'
            "</td>\n</tr>\n</table>\n"
        )

    def text(self, recipe: Recipe, copy: CopyRecipe) -> str:
        """A signature-style block (RFC 3676 §4.3), lines ended by LF and, but for a long URL, within the width."""
        paragraphs = []
        if self.address:
            paragraphs.append("\n".join([_wrapped(line) for line in _identity(recipe)]))
        if self.link:
            name, url = self.wording.unsubscribe, copy.opt_out_url
            joint = " " if len(name) + 2 + len(url) <= TEXT_WIDTH else "\n"
            why = f"{_wrapped(self._why(recipe, copy))}\n" if recipe.footer_form == "full" else ""
            paragraphs.append(f"{why}{name}:{joint}{url}")
        block = ("\n\n" if recipe.footer_form == "full" else "\n").join(paragraphs)
        return f"\n-- \n{_stuffed(block) if self.flowed else block}\n"

    def plain(self, recipe: Recipe) -> bool:
        """Whether `text` is ASCII in lines of less than 998 octets, for any copy whose 'why' is ASCII."""
        said = f"{recipe.organisation}\n{recipe.postal_address}\n{self.wording.why}\n{self.wording.unsubscribe}"
        return said.isascii() and len(said) <= _SHORT

    def _why(self, recipe: Recipe, copy: CopyRecipe) -> str:
        return copy.why or self.wording.why.format(organisation=recipe.organisation)


def wording(language: str, otherwise: str) -> Wording:
    """The words for a part's language ('id', 'en-GB', ''), else for `otherwise`, else English."""
    for tag in (language, otherwise):
        found = WORDINGS.get(tag.replace("_", "-").partition("-")[0].lower())
        if found is not None:
            return found
    return WORDINGS["en"]


def address_line(postal_address: str) -> str:
    """The registered address in one line."""
    return ", ".join([line.strip(" ,") for line in postal_address.splitlines() if line.strip(" ,")])


def _identity(recipe: Recipe) -> list[str]:
    lines = [" ".join(line.split()) for line in (recipe.organisation, *recipe.postal_address.splitlines())]
    lines = [line for line in lines if line]
    return lines if recipe.footer_form == "full" else [", ".join([line.strip(" ,") for line in lines])]


def _wrapped(line: str) -> str:
    if not line.isprintable():
        return "\n".join(textwrap.wrap(line, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False))
    words = line.split()
    if len(line) <= TEXT_WIDTH or not words:
        return " ".join(words)
    written, column = [words[0]], len(words[0])
    for word in words[1:]:
        column += 1 + len(word)
        written.append(" " if column <= TEXT_WIDTH else "\n")
        written.append(word)
        column = column if column <= TEXT_WIDTH else len(word)
    return "".join(written)


def _stuffed(block: str) -> str:
    """RFC 3676 §4.4: space-stuffing of lines a reader of format=flowed would take for something else."""
    return re.sub(r"^(?=[ >]|From )", " ", block, flags=re.MULTILINE)
