"""Style sheets as far as hiding goes: rules, selectors, declarations; what cannot be judged is 'maybe'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from relay.message.declarations import Declared, declarations, hex_unescaped
from relay.message.properties import PROPERTIES, is_of_signs
from relay.message.selectors import Box, Selector, lookup_key, read_selector, selectors

MAX_RULES = 4000
MAX_CONTEXTS = 24

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)
_STRING_WITH_BRACE = re.compile(r"[\"'][^\"'\n]*[{}][^\"'\n]*[\"']")
_BLOCK = re.compile(r"([^{}]*)([{}])")
_SCREENLESS = re.compile(r"\s*(?:only\s+)?(?:print|speech|braille|embossed|tty)\b")
_FONT_HOSTS = re.compile(
    r"\s*(?:https?:)?//(?:[\w.-]+\.)?(?:fonts\.googleapis\.com|fonts\.gstatic\.com|typekit\.net|fonts\.bunny\.net|fonts\.net"
    r"|typography\.com|fontawesome\.com|use\.fontawesome\.com|fonts\.com|cdnfonts\.com|webtype\.com|typotheque\.com)/",
    re.IGNORECASE,
)
_IMPORT = re.compile(r"@import\s*(?:url\()?\s*[\"']?([^\"';)]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its declarations; `context` 0 always applies, others under a condition of their own."""

    selector: Selector
    declarations: Mapping[str, tuple[str, bool]]
    order: int
    context: int


_Written = tuple[str, str, int, int]
"""A selector, its declarations, its order and its context."""


@dataclass(slots=True)
class Sheet:
    """All rules of a document that could change how something looks, by the key of their last compound."""

    unsure: str = ""
    """Why the style sheets cannot be judged; empty: they can."""
    _written: dict[str, list[_Written]] = field(default_factory=dict)
    """Selectors as they stand, by one thing their last compound asks for."""
    _read: dict[str, list[Rule]] = field(default_factory=dict)
    """The same, read; only what some element asks for ever is."""
    _conditions: dict[str, int] = field(default_factory=dict)
    _blocks_read: dict[str, Declared] = field(default_factory=dict)
    _matched: dict[Box, list[Rule]] = field(default_factory=dict)
    _count: int = 0

    def add(self, css: str, media: str = "") -> None:
        """Takes one <style> element's text."""
        if _STRING_WITH_BRACE.search(css):
            self.unsure = "a style sheet with braces in strings"
            return
        css = hex_unescaped(_COMMENT.sub(_string_only, css))
        if not all(is_font_sheet(found) for found in _IMPORT.findall(css)):
            self.unsure = "a style sheet that imports another"
        if media and _is_screenless(media):
            return
        self._blocks(css, 0 if media.strip().lower() in ("", "all", "screen") else self._context(media))

    def __bool__(self) -> bool:
        return bool(self._written)

    def _context(self, condition: str) -> int:
        """The number of a condition: a media query, or a selector of which we cannot tell whether it matches."""
        known = self._conditions.setdefault(condition, len(self._conditions) + 1)
        if known > MAX_CONTEXTS:
            self.unsure = "a style sheet with too many conditions"
        return known

    def _blocks(self, css: str, outer: int) -> None:
        open_at: list[tuple[str, int, bool]] = []
        at = 0
        for found in _BLOCK.finditer(css):
            text, brace = found[1], found[2]
            at = found.end()
            if brace == "{":
                context, ignored = (open_at[-1][1], open_at[-1][2]) if open_at else (outer, False)
                nested = bool(open_at) and not open_at[-1][0].startswith("@")
                before, prelude = _before_and_prelude(text, nested)
                if nested and not ignored:
                    # A rule within a rule: what stands before it is the outer's, itself it may apply or not.
                    self._rule(open_at[-1][0], before, context)
                    context = self._context(f"{open_at[-1][0]} {prelude}")
                if prelude.startswith("@"):
                    context, ignored = self._at_rule(prelude.lower(), context, ignored)
                open_at.append((prelude, context, ignored))
            elif open_at:
                prelude, context, ignored = open_at.pop()
                if not ignored and not prelude.startswith("@"):
                    self._rule(prelude, text, context)
        if open_at and not open_at[-1][2] and not open_at[-1][0].startswith("@"):
            # The end of the sheet closes what is open (CSS Syntax 3 §5.4.8).
            self._rule(open_at[-1][0], css[at:], open_at[-1][1])

    def _at_rule(self, prelude: str, context: int, ignored: bool) -> tuple[int, bool]:
        if prelude.startswith(("@font-face", "@keyframes", "@-webkit-keyframes", "@page", "@-ms-viewport")):
            return context, True
        if prelude.startswith("@media") and _is_screenless(prelude[6:]):
            return context, True
        if prelude.replace(" ", "") in ("@media", "@mediascreen", "@mediaall"):
            return context, ignored
        return self._context(prelude), ignored

    def _rule(self, prelude: str, text: str, context: int) -> None:
        for selector in selectors(prelude):
            self._count += 1
            if self._count > MAX_RULES:
                self.unsure = "a style sheet with too many rules"
                return
            written = self._written.setdefault(lookup_key(selector), [])
            written.append((selector, text, self._count, context))

    def matching(self, box: Box) -> list[Rule]:
        """Rules that match an element, in the order of the cascade (CSS Cascading 4 §6)."""
        if not self._written:
            return []
        known = self._matched.get(box)
        if known is None:
            known = self._matched[box] = self._matching(box)
        return known

    def _matching(self, box: Box) -> list[Rule]:
        written = self._written
        keys = ["*", box.tag, *[f".{name}" for name in box.folded]]
        if box.attributes.get("id"):
            keys.append(f"#{(box.attributes['id'] or '').lower()}")
        loosely = [
            rule for key in keys if key in written for rule in self._rules(key) if rule.selector.matches_loosely(box)
        ]
        found = [rule if rule.selector.matches(box) else self._maybe(rule) for rule in loosely]
        if len(found) > 1:
            found.sort(key=_cascade)
        return found

    def _maybe(self, rule: Rule) -> Rule:
        """A rule that may apply or not, in a context of its own."""
        selector = replace(rule.selector, maybe=True)
        return Rule(selector, rule.declarations, rule.order, rule.context or self._context(f"rule {rule.order}"))

    def _rules(self, key: str) -> list[Rule]:
        if key not in self._read:
            rules: list[Rule] = []
            for text, declared, order, context in self._written[key]:
                telling = self._telling(declared)
                selector = read_selector(text.strip()) if telling else None
                if selector is not None:
                    own = self._context(text) if selector.maybe and context == 0 else context
                    rules.append(Rule(selector, telling, order, own))
            self._read[key] = rules
        return self._read[key]

    def _telling(self, text: str) -> Declared:
        """The declarations of a block that can take something out of sight, or bring it back."""
        known = self._blocks_read.get(text)
        if known is None:
            declared = declarations(text)
            known = {name: one for name, one in declared.items() if _tells(name, one[0])}
            self._blocks_read[text] = known
        return known


_SIZES = re.compile(r"(?:max-)?(?:width|height|inline-size|block-size)|padding(?:-.*)?")


def _tells(name: str, value: str) -> bool:
    """Whether a declaration may take something out of sight; leaving out what brings it back hides more."""
    if name not in PROPERTIES or name == "font-family":
        return name == "font-family" and is_of_signs(value)
    if _SIZES.fullmatch(name):
        if "height" in name or "block" in name:
            return value[:1] in "0123456789.+-" and not value.endswith("%")
        return "(" in value or any(len(one) > 5 or "e" in one for one in value.split()) or _is_small(value)
    return not name.startswith("margin") or "-" in value or "(" in value or any(len(one) > 4 for one in value.split())


def _is_small(value: str) -> bool:
    return value[:1] in "0123.+-" and not value.endswith("%") and len(value) < 6


def _cascade(rule: Rule) -> tuple[bool, tuple[int, int, int], int]:
    """What may apply is taken to win: it has a context of its own, in which nothing else is asked."""
    return rule.selector.maybe, rule.selector.weight, rule.order


def _string_only(found: re.Match[str]) -> str:
    return found[0] if found[0][0] in "\"'" else ""


def _before_and_prelude(text: str, nested: bool) -> tuple[str, str]:
    """What stands before a block, split: in a rule its declarations, elsewhere statements as @charset."""
    if nested:
        before, _, prelude = text.rpartition(";")
        return before, prelude.strip()
    prelude = text.strip()
    while prelude.startswith("@") and ";" in prelude:
        prelude = prelude.partition(";")[2].strip()
    return "", prelude


def is_font_sheet(url: str) -> bool:
    """Whether a style sheet from elsewhere is one of the usual font services', which hide nothing."""
    return _FONT_HOSTS.match(url) is not None


def _is_screenless(condition: str) -> bool:
    """Whether a media query list holds on paper and the like alone (Media Queries 4 §2.1)."""
    return all(_SCREENLESS.match(one) for one in condition.split(","))
