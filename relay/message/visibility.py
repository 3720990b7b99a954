"""Whether a person sees what an element shows: computed looks, from the root down (clause 5.5)."""

from __future__ import annotations

from dataclasses import replace

from relay.message.css import Sheet
from relay.message.declarations import declarations
from relay.message.frame import Frame
from relay.message.look import ROOT, Look
from relay.message.properties import DOUBTFUL_TAGS, GONE_TAGS, PROPERTIES, SMALLER, presentation, together
from relay.message.selectors import Box

ALL = -1
"""The context in which every condition holds at once."""
_TELLING_TAGS = DOUBTFUL_TAGS | SMALLER | {"a"}


class Looks:
    """Computed looks of one document; each element is computed once per context."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._known: dict[tuple[Box, int], Look] = {}
        # Boxes are kept as keys, by identity: one that was dropped could leave its id to another.
        self._styles: dict[str, dict[str, tuple[str, bool]]] = {}

    def look(self, box: Box, context: int = 0) -> Look:
        """The look of an element under context 0 and one further context; iterative, any depth."""
        waiting: list[Box] = []
        here: Box | None = box
        known = self._known
        look = ROOT
        while here is not None:
            found = known.get((here, context))
            if found is not None:
                look = found
                break
            waiting.append(here)
            here = here.parent
        for one in reversed(waiting):
            look = self._computed(one, look, context)
            known[one, context] = look
        return look

    def contexts(self, box: Box) -> set[int]:
        """Contexts in which some rule of their own touches the element or one above it."""
        found: set[int] = set()
        here: Box | None = box
        while here is not None and self.sheet:
            found.update(rule.context for rule in self.sheet.matching(here))
            here = here.parent
        found.discard(0)
        return found | {ALL} if len(found) > 1 else found

    def _computed(self, box: Box, parent: Look, context: int) -> Look:
        if parent.gone:
            return parent
        tag, attributes = box.tag, box.attributes
        if tag in GONE_TAGS or "hidden" in attributes:
            return replace(parent, gone=f"<{tag}>" if tag in GONE_TAGS else "the hidden attribute")
        declared = self._declared(box, context)
        if not declared and not attributes and tag not in _TELLING_TAGS:
            return parent
        frame = Frame(parent.copy(), parent, tag)
        presentation(box, frame)
        for name, (value, _) in declared.items():
            take = PROPERTIES.get(name)
            if take is not None:
                if "var(" in value or "env(" in value:
                    frame.look.doubt = frame.look.doubt or f"{name} that cannot be told"
                take(frame, value)
        together(frame)
        return frame.look

    def _declared(self, box: Box, context: int) -> dict[str, tuple[str, bool]]:
        style = box.attributes.get("style")
        inline: dict[str, tuple[str, bool]] = {}
        if style:
            known = self._styles.get(style)
            if known is None:
                known = self._styles[style] = declarations(style)
            inline = known
        rules = self.sheet.matching(box) if self.sheet else []
        if context != ALL:
            rules = [rule for rule in rules if rule.context in (0, context)]
        if not rules:
            return inline
        found: dict[str, tuple[str, bool]] = {}
        for declared in (*[rule.declarations for rule in rules], inline):
            for name, one in declared.items():
                if one[1] or not found.get(name, ("", False))[1]:
                    # Last in the cascade is applied last: a shorthand may reset what came before.
                    found.pop(name, None)
                    found[name] = one
        return found
