"""Clause 5.5: the rewritten message, read again from its octets, shows link and address in every displayed part."""

from __future__ import annotations

import html

from policies.facts import FooterIdentity
from relay.message.displayed import displayed_parts
from relay.message.parts import ADDED, DisplayedPart, Message
from relay.message.pen import wide_codec
from relay.message.read import read
from relay.message.recipe import CopyRecipe, Recipe
from relay.message.relinked import only_links_changed
from relay.message.rewrite import Prepared
from relay.message.scan import scan


def problems(prepared: Prepared, copy: CopyRecipe, footer: FooterIdentity, recipe: Recipe) -> list[str]:
    """What is wrong with one copy, in words; empty: the message may go.

    Copies differ in tokens of one length and alphabet alone, so one copy a message is enough, and one message of
    all that have the same body made ready for the same recipe. Costs another scan and reading, but where a footer
    was only put behind a plain text, or only where links lead was changed in HTML (relinked.py): there the octets
    say all that reading would.
    """
    if not recipe.footer or prepared.ready.checked:
        return []
    found = _found(prepared, copy, footer, recipe)
    prepared.ready.checked = not found
    return found


def _found(prepared: Prepared, copy: CopyRecipe, footer: FooterIdentity, recipe: Recipe) -> list[str]:
    if prepared.appended and prepared.body(copy).rstrip().endswith(copy.opt_out_url.encode()):
        return []
    message = scan(prepared.unsigned(copy))
    found = [f"{one.where}: {one.fault}" for one in message.faults] + [one.what for one in message.mends]
    if not found and _only_relinked(message, prepared, copy):
        return []
    public_url = copy.opt_out_url.partition("/u/")[0]
    reading = read(message, footer, hostname=recipe.hostname, public_url=public_url)
    if reading.facts.opaque:
        found.append(reading.facts.opaque)
    if [one.part.number for one in reading.displayed] != prepared.displayed_parts:
        found.append("the rewritten message does not show the parts it had")
    if all(one.part.number == ADDED for one in reading.displayed):
        found.append("no part of the message is shown as text")
    for one in reading.displayed:
        found += [f"part {one.part.number}: {what}" for what in _lacking(one, copy, recipe)]
    return found


def _only_relinked(message: Message, prepared: Prepared, copy: CopyRecipe) -> bool:
    """Whether every displayed part is the one that was read, with the recipient's page behind its links."""
    writings, shown = prepared.writings, displayed_parts(message)
    if not writings or shown.opaque or [part.number for part in shown.parts] != prepared.displayed_parts:
        return False
    return all(only_links_changed(message.raw, part, writings[part.number], copy) for part in shown.parts)


def _lacking(one: DisplayedPart, copy: CopyRecipe, recipe: Recipe) -> list[str]:
    lacking = []
    ours = not one.needs_link and _leads_to(one, copy.opt_out_url)
    if not (ours or _ends_with(one, copy.opt_out_url)):
        why = f" ({one.doubt})" if one.doubt else ""
        lacking.append(f"no opt-out link of ours is surely visible at its end{why}")
    if one.needs_address and recipe.inject_address:
        lacking.append("the registered postal address does not stand in its footer")
    return lacking


def _ends_with(one: DisplayedPart, url: str) -> bool:
    """Whether a plain text's last words are the link: nothing hides there, also where DelSp keeps us from reading."""
    return not one.html and _text(one, 0, len(one.decoded)).rstrip().endswith(url)


def _text(one: DisplayedPart, start: int, end: int) -> str:
    return one.decoded[start:end].decode(wide_codec(one) or one.charset, "replace")


def _leads_to(one: DisplayedPart, url: str) -> bool:
    """Whether what the reader took for the opt-out link is the recipient's own."""
    links = [_text(one, edit.start, edit.end) for edit in one.edits]
    return url in [html.unescape(link).strip() if one.html else link for link in links]
