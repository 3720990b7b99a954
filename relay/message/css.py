"""Style sheets as far as hiding goes: rules, selectors, declarations; what cannot be judged is 'maybe'."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MAX_RULES = 4000
MAX_CONTEXTS = 24

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_STRING = re.compile(r"\"[^\"{}\n]*\"|'[^'{}\n]*'")
_STRING_WITH_BRACE = re.compile(r"[\"'][^\"'\n]*[{}][^\"'\n]*[\"']")
_BLOCK = re.compile(r"([^{}]*)([{}])")
_SIMPLE = re.compile(
    r"\*|(?P<tag>[a-zA-Z][\w:\\-]*)|\.(?P<class>[\w\\-]+)|#(?P<id>[\w\\-]+)"
    r"|\[\s*(?P<name>[\w:-]+)\s*(?:(?P<op>[~^$*|]?=)\s*[\"']?(?P<value>[^\]\"']*)[\"']?\s*[iI]?)?\s*\]"
    r"|(?P<pseudo>::?[\w-]+(?:\([^)]*\))?)"
)
_COMBINATOR = re.compile(r"[>+~]")
_SCREENLESS = re.compile(r"\b(?:print|speech|braille|embossed|tty)\b")
_INERT = frozenset({":hover", ":active", ":focus", ":visited", ":focus-within", ":focus-visible", ":target"})
_ALWAYS = frozenset({":link", ":any-link"})
_NONE: frozenset[str] = frozenset()


@dataclass(eq=False, slots=True)
class Box:
    """One element: what selectors look at."""

    tag: str
    attributes: Mapping[str, str | None]
    parent: Box | None
    classes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tag: str, attributes: Mapping[str, str | None], parent: Box | None) -> Box:
        names = attributes.get("class")
        return cls(tag, attributes, parent, frozenset(names.split()) if names else _NONE)


@dataclass(frozen=True, slots=True)
class _Compound:
    tag: str = ""
    id: str = ""
    classes: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str, str], ...] = ()

    def matches(self, box: Box) -> bool:
        if self.tag and self.tag != box.tag:
            return False
        if self.id and self.id != box.attributes.get("id"):
            return False
        if not self.classes <= box.classes:
            return False
        return all(_attribute_matches(box, *one) for one in self.attributes)


@dataclass(frozen=True, slots=True)
class _Selector:
    compounds: tuple[_Compound, ...]
    """Left to right."""
    child: tuple[bool, ...]
    """Whether '>' stands before each compound."""
    weight: tuple[int, int, int]
    maybe: bool
    """A pseudo-class or sibling we do not evaluate: the rule may apply."""

    def matches(self, box: Box) -> bool:
        at = len(self.compounds) - 1
        if not self.compounds[at].matches(box):
            return False
        direct, here = self.child[at], box.parent
        at -= 1
        while at >= 0:
            while here is not None and not self.compounds[at].matches(here):
                if direct:
                    return False
                here = here.parent
            if here is None:
                return False
            direct, here = self.child[at], here.parent
            at -= 1
        return True


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its declarations; `context` 0 always applies, others under a condition of their own."""

    selector: _Selector
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
            written = self._written.setdefault(_key(selector), [])
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
                selector = _selector(text.strip()) if telling else None
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


def _key(selector: str) -> str:
    """One thing the last compound of a selector asks for: a class, an id or a tag; '*' where that is not plain."""
    parts = selector.rsplit(None, 1)
    last = parts[-1] if parts else ""
    if last.isalnum():
        return last.lower()
    if "\\" in selector or "]" in last or ")" in last:
        return "*"
    last = _COMBINATOR.split(last)[-1].partition(":")[0]
    mark = max(last.rfind("."), last.rfind("#"))
    return last[mark:] if mark >= 0 else last.lower() or "*"


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


def _selector(text: str) -> _Selector | None:
    """None where the selector can match nothing a person looks at: hover, ::before, broken."""
    words = re.sub(r"\s*([>+~])\s*", r" \1 ", _unquoted_brackets(text)).split()
    compounds: list[_Compound] = []
    child: list[bool] = []
    weight = [0, 0, 0]
    maybe = direct = False
    for word in words:
        if word == ">":
            direct = True
        elif word in ("+", "~"):
            maybe, compounds, child = True, [], []
        else:
            compound, unsure = _compound(word.replace("\x00", " "), weight)
            if compound is None:
                return None
            maybe = maybe or unsure
            compounds.append(compound)
            child.append(direct)
            direct = False
    if not compounds:
        return None
    return _Selector(tuple(compounds), tuple(child), (weight[0], weight[1], weight[2]), maybe)


def _unquoted_brackets(text: str) -> str:
    """Blanks and combinators inside [] and () must not split a compound."""
    if "[" not in text and "(" not in text:
        return text
    return re.sub(
        r"[\[(][^\])]*[\])]",
        lambda m: m[0].replace(" ", "\x00").replace(">", "").replace("+", "").replace("~=", "*="),
        text,
    )


def _compound(word: str, weight: list[int]) -> tuple[_Compound | None, bool]:
    tag = own_id = ""
    classes: list[str] = []
    attributes: list[tuple[str, str, str]] = []
    maybe = False
    at = 0
    for found in _simples(word):
        at = found.end()
        if found["tag"]:
            tag = found["tag"].lower()
            weight[2] += 1
        elif found["class"]:
            classes.append(found["class"].replace("\\", ""))
            weight[1] += 1
        elif found["id"]:
            own_id = found["id"].replace("\\", "")
            weight[0] += 1
        elif found["name"]:
            attributes.append((found["name"].lower(), found["op"] or "", (found["value"] or "").strip()))
            weight[1] += 1
        elif found["pseudo"]:
            pseudo = found["pseudo"].lower()
            if pseudo in _INERT or pseudo.startswith("::") or pseudo in (":before", ":after"):
                return None, False
            maybe = maybe or pseudo not in _ALWAYS
            weight[1] += 1
    maybe = maybe or at != len(word)
    return _Compound(tag, own_id, frozenset(classes), tuple(attributes)), maybe


def _simples(word: str) -> Iterator[re.Match[str]]:
    at = 0
    while (found := _SIMPLE.match(word, at)) is not None:
        yield found
        at = found.end()


def _attribute_matches(box: Box, name: str, op: str, value: str) -> bool:
    if name not in box.attributes:
        return False
    held = box.attributes[name] or ""
    match op:
        case "":
            return True
        case "=":
            return held == value
        case "^=":
            return bool(value) and held.startswith(value)
        case "$=":
            return bool(value) and held.endswith(value)
        case "|=":
            return held == value or held.startswith(f"{value}-")
        case _:
            return bool(value) and value in held
