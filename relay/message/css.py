"""Style sheets as far as hiding goes: rules, selectors, declarations; what cannot be judged is 'maybe'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.message.selectors import Box, Selector, lookup_key, read_selector

MAX_RULES = 4000
MAX_CONTEXTS = 24

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_STRING_WITH_BRACE = re.compile(r"[\"'][^\"'\n]*[{}][^\"'\n]*[\"']")
_BLOCK = re.compile(r"([^{}]*)([{}])")
_SCREENLESS = re.compile(r"\b(?:print|speech|braille|embossed|tty)\b")


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
    _blocks_read: dict[str, dict[str, tuple[str, bool]]] = field(default_factory=dict)
    _count: int = 0

    def add(self, css: str, media: str = "") -> None:
        """Takes one <style> element's text."""
        if _STRING_WITH_BRACE.search(css):
            self.unsure = "a style sheet with braces in strings"
            return
        css = _COMMENT.sub("", css)
        if "@import" in css and not _fonts_only(css):
            self.unsure = "a style sheet that imports another"
        if media and _SCREENLESS.search(media) and "screen" not in media and "all" not in media:
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
        for found in _BLOCK.finditer(css):
            text, brace = found[1], found[2]
            if brace == "{":
                prelude = text.rpartition(";")[2].strip()
                context, ignored = (open_at[-1][1], open_at[-1][2]) if open_at else (outer, False)
                if prelude.startswith("@"):
                    context, ignored = self._at_rule(prelude.lower(), context, ignored)
                open_at.append((prelude, context, ignored))
            elif open_at:
                prelude, context, ignored = open_at.pop()
                if not ignored and not prelude.startswith("@"):
                    self._rule(prelude, text, context)

    def _at_rule(self, prelude: str, context: int, ignored: bool) -> tuple[int, bool]:
        if prelude.startswith(("@font-face", "@keyframes", "@-webkit-keyframes", "@page", "@-ms-viewport")):
            return context, True
        if prelude.startswith("@media") and _SCREENLESS.search(prelude) and "screen" not in prelude:
            return context, True
        if prelude.replace(" ", "") in ("@media", "@mediascreen", "@mediaall"):
            return context, ignored
        return self._context(prelude), ignored

    def _rule(self, prelude: str, text: str, context: int) -> None:
        for selector in prelude.split(","):
            self._count += 1
            if self._count > MAX_RULES:
                self.unsure = "a style sheet with too many rules"
                return
            written = self._written.setdefault(lookup_key(selector), [])
            written.append((selector, text, self._count, context))

    def matching(self, box: Box) -> list[Rule]:
        """Rules that match an element, in the order of the cascade (CSS Cascading 4 §6)."""
        written = self._written
        if not written:
            return []
        keys = ["*", box.tag, *[f".{name}" for name in box.classes]]
        if box.attributes.get("id"):
            keys.append(f"#{box.attributes['id']}")
        found = [rule for key in keys if key in written for rule in self._rules(key) if rule.selector.matches(box)]
        if len(found) > 1:
            found.sort(key=_cascade)
        return found

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

    def _telling(self, text: str) -> dict[str, tuple[str, bool]]:
        """The declarations of a block that can take something out of sight, or bring it back."""
        known = self._blocks_read.get(text)
        if known is None:
            declared = declarations(text)
            known = {name: one for name, one in declared.items() if _tells(name, one[0])}
            self._blocks_read[text] = known
        return known


_TELLING = re.compile(
    r"display|visibility|opacity|font(?:-size)?|line-height|(?:background-)?color|background(?:-image)?|overflow(?:-[xy])?"
    r"|position|left|top|right|bottom|text-indent|letter-spacing|z-index|(?:-webkit-|-ms-)?(?:transform|animation)"
    r"|(?:-webkit-)?(?:clip-path|mask|text-fill-color)|clip|filter|mask-image|mso-hide|zoom|pointer-events"
    r"|content-visibility|translate|scale|rotate|offset-path"
)
_SIZES = re.compile(r"(?:max-)?(?:height|width)")


def _tells(name: str, value: str) -> bool:
    """Sizes of some pixels and margins that push nowhere tell nothing; leaving one out can only hide more."""
    if _TELLING.fullmatch(name):
        return True
    if _SIZES.fullmatch(name):
        return value[:1] in "0123.+-" and not value.endswith("%") and len(value) < 6
    return name.startswith("margin") and ("-" in value or "(" in value)


def _cascade(rule: Rule) -> tuple[tuple[int, int, int], int]:
    return rule.selector.weight, rule.order


def _fonts_only(css: str) -> bool:
    return all("font" in found for found in re.findall(r"@import[^;]*", css))


def declarations(text: str) -> dict[str, tuple[str, bool]]:
    """Property to (value, important), lower case; a later declaration wins unless an earlier is important."""
    found: dict[str, tuple[str, bool]] = {}
    if "/*" in text:
        text = _COMMENT.sub("", text)
    if "(" in text and ";" in text:
        text = re.sub(r"\([^()]*\)", _without_semicolons, text)
    for one in text.lower().split(";"):
        name, colon, value = one.partition(":")
        if not colon:
            continue
        name, value = name.strip(), value.strip()
        important = "!" in value
        if important:
            value = value.partition("!")[0].strip()
        if important or not found.get(name, ("", False))[1]:
            found[name] = (value, important)
    return found


def _without_semicolons(found: re.Match[str]) -> str:
    return found[0].replace(";", ",")
