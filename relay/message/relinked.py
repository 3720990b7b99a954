"""Parts in which rewriting changed nothing but where links lead: what a reader saw before is what a reader sees.

Reading a part again tells what it shows. Where only values of href changed, that is known: if neither the old
value nor the new one has a quote, '<' or '>', no tag, comment or attribute begins or ends elsewhere than before
(HTML §13.2.5.36-38), so the tree is the same but for these values; and nothing about a page's look depends on
the value of an href but an attribute selector of its style sheets, whose presence is ruled out. An opt-out
link that was seen at the end is then still seen there, and leads to the recipient's own page.
"""

from __future__ import annotations

import re

from relay.message.decode import decoded_octets
from relay.message.parts import DisplayedPart, Part
from relay.message.recipe import CopyRecipe
from relay.message.writing import Writing

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~:/?=%-]+\Z")
"""Characters that are the same in HTML, in any attribute's quotes and in text."""
_MARKUP = re.compile(rb"[<>\"'`]")
_HREF_BEFORE = re.compile(rb"\shref\s*=\s*(?P<quote>[\"'])\Z", re.IGNORECASE)
_ASCII_AS_IT_IS = frozenset({"ascii", "utf-8", "cp1252", "latin-1", "iso8859-1"})
"""Codecs in which an ASCII octet means itself wherever it stands."""
_REACH = 40
"""Octets before a value in which its attribute's name and quote stand."""


def only_links_changed(raw: bytes, part: Part, write: Writing, copy: CopyRecipe) -> bool:
    """Whether a part of a rewritten message shows what it did, its opt-out links leading to the recipient's page.

    Sound only for links that a reading of the received octets saw (`seen_links`); a part without is read again.
    """
    one = write.displayed
    if one.needs_link or len(write.insertions) != len(one.edits):
        return False
    if not one.seen_links or not {edit.start for edit in one.edits}.issuperset(one.seen_links):
        return False
    if one.charset not in _ASCII_AS_IT_IS or not _same_kind(part, one.part):
        return False
    if _PLAIN_URL.match(copy.opt_out_url) is None:
        return False
    if not all(_is_whole_href(one.decoded, edit.start, edit.end) for edit in one.edits):
        return False
    return not _styled_by_href(one.decoded) and decoded_octets(raw, part) == _expected(one, copy)


def _same_kind(part: Part, before: Part) -> bool:
    """Whether everything in the part's header that says how to read it is as it was."""
    return (part.content_type, part.parameters, part.disposition) == (
        before.content_type,
        before.parameters,
        before.disposition,
    )


def _is_whole_href(html: bytes, start: int, end: int) -> bool:
    """Whether the octets are the value of a quoted href, without anything that markup could hang on."""
    found = _HREF_BEFORE.search(html, max(0, start - _REACH), start)
    quoted = found is not None and html.startswith(found["quote"], end)
    return quoted and _MARKUP.search(html, start, end) is None


def _styled_by_href(html: bytes) -> bool:
    """Whether a style sheet may look at where links lead."""
    lower = html.lower()
    at = lower.find(b"<style")
    while at >= 0:
        end = lower.find(b"</style", at)
        sheet = lower[at : end if end >= 0 else len(lower)]
        if b"\\" in sheet or (b"[" in sheet and b"href" in sheet):
            return True
        at = lower.find(b"<style", at + len(sheet))
    return False


def _expected(one: DisplayedPart, copy: CopyRecipe) -> bytes:
    """The part's octets with the recipient's link in each place, put together anew from what was read."""
    url = copy.opt_out_url.encode("ascii")
    written, at = [], 0
    for edit in one.edits:
        written += [one.decoded[at : edit.start], url]
        at = edit.end
    return b"".join([*written, one.decoded[at:]])
