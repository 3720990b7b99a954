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
_SCREENLESS = re.compile(r"\b(?:print|speech|braille|embossed|tty)\b")
_INERT = frozenset({":hover", ":active", ":focus", ":visited", ":focus-within", ":focus-visible", ":target"})
_ALWAYS = frozenset({":link", ":any-link"})
_LOOK = re.compile(
    r"display|visib|opacity|font|color|background|height|width|overflow|position|indent|margin|left|top"
    r"|clip|transform|mso-hide|mask|filter|right|bottom|zoom|letter|z-index|pointer|animation|all\s*:",
    re.IGNORECASE,
)


@dataclass(eq=False, slots=True)
class Box:
    """One element: what selectors look at."""

    tag: str
    attributes: Mapping[str, str | None]
    parent: Box | None
    classes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tag: str, attributes: Mapping[str, str | None], parent: Box | None) -> Box:
        return cls(tag, attributes, parent, frozenset((attributes.get("class") or "").split()))


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


@dataclass(slots=True)
class Sheet:
    """All rules of a document that could change how something looks, by the key of their last compound."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    contexts: int = 1
    unsure: str = ""
    """Why the style sheets cannot be judged; empty: they can."""
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
        outer = self._context() if media and media.strip().lower() not in ("all", "screen") else 0
        self._blocks(css, outer)

    def _context(self) -> int:
        self.contexts += 1
        if self.contexts > MAX_CONTEXTS:
            self.unsure = "a style sheet with too many conditions"
            return 0
        return self.contexts - 1

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
                if not ignored and not prelude.startswith("@") and _LOOK.search(text):
                    self._rule(prelude, text, context)

    def _at_rule(self, prelude: str, context: int, ignored: bool) -> tuple[int, bool]:
        if prelude.startswith(("@font-face", "@keyframes", "@-webkit-keyframes", "@page", "@-ms-viewport")):
            return context, True
        if prelude.startswith("@media") and _SCREENLESS.search(prelude) and "screen" not in prelude:
            return context, True
        if prelude.replace(" ", "") in ("@media", "@mediascreen", "@mediaall"):
            return context, ignored
        return self._context(), ignored

    def _rule(self, prelude: str, text: str, context: int) -> None:
        declared = declarations(text)
        for part in prelude.split(","):
            self._count += 1
            if self._count > MAX_RULES:
                self.unsure = "a style sheet with too many rules"
                return
            selector = _selector(part.strip())
            if selector is None:
                continue
            own = self._context() if selector.maybe and context == 0 else context
            rule = Rule(selector, declared, self._count, own)
            self.rules.setdefault(_key(selector.compounds[-1]), []).append(rule)

    def matching(self, box: Box) -> list[Rule]:
        """Rules that match an element, in the order of the cascade (CSS Cascading 4 §6)."""
        rules = self.rules
        if not rules:
            return []
        keys = ["*", box.tag, *[f".{name}" for name in box.classes]]
        if box.attributes.get("id"):
            keys.append(f"#{box.attributes['id']}")
        found = [rule for key in keys for rule in rules.get(key, ()) if rule.selector.matches(box)]
        found.sort(key=_cascade)
        return found


def _cascade(rule: Rule) -> tuple[tuple[int, int, int], int]:
    return rule.selector.weight, rule.order


def _key(compound: _Compound) -> str:
    if compound.id:
        return f"#{compound.id}"
    if compound.classes:
        return f".{min(compound.classes)}"
    return compound.tag or "*"


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
