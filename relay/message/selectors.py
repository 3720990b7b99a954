"""CSS selectors: which elements they match; what cannot be judged is 'maybe'."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_SIMPLE = re.compile(
    r"\*|(?P<tag>[a-zA-Z](?:[\w-]|\\.)*)|\.(?P<class>(?:[\w-]|\\.)+)|#(?P<id>(?:[\w-]|\\.)+)"
    r"|\[\s*(?P<name>[\w:-]+)\s*(?:(?P<op>[~^$*|]?=)\s*"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\]\"'\s]*))\s*(?P<flag>[iIsS])?)?\s*\]"
    r"|(?P<pseudo>::?[\w-]+(?:\([^)]*\))?)"
)
_COMBINATOR = re.compile(r"[>+~]")
_ANY_CASE = frozenset({"align", "valign", "dir", "type", "rel", "bgcolor", "color", "face", "lang", "media"})
"""Attributes whose values HTML compares in any case (HTML §4.16.2)."""
_INERT = frozenset({":hover", ":active", ":focus", ":visited", ":focus-within", ":focus-visible", ":target"})
_GENERATED = frozenset({
    "before", "after", "first-letter", "marker", "selection", "placeholder", "backdrop", "file-selector-button",
})  # fmt: skip
"""Pseudo-elements that are not the element's own text; its first line is."""
_ALWAYS = frozenset({":link", ":any-link"})


@dataclass(eq=False, slots=True)
class Box:
    """One element: what selectors look at."""

    tag: str
    attributes: Mapping[str, str | None]
    parent: Box | None
    classes: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    """The classes in lower case."""

    @classmethod
    def of(cls, tag: str, attributes: Mapping[str, str | None], parent: Box | None) -> Box:
        names = attributes.get("class")
        if not names:
            return cls(tag, attributes, parent)
        classes, lower = frozenset(names.split()), names.lower()
        return cls(tag, attributes, parent, classes, classes if lower == names else frozenset(lower.split()))


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute a compound asks for: [name op value]."""

    name: str
    op: str
    value: str
    any_case: bool

    def matches(self, box: Box) -> bool:
        if self.name not in box.attributes:
            return False
        held, value = box.attributes[self.name] or "", self.value
        if self.any_case:
            held, value = held.lower(), value.lower()
        match self.op:
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


@dataclass(frozen=True, slots=True)
class Compound:
    tag: str = ""
    id: str = ""
    classes: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    """The classes in lower case."""
    attributes: tuple[Attribute, ...] = ()

    def matches(self, box: Box) -> bool:
        if self.tag and self.tag != box.tag:
            return False
        if self.id and self.id != box.attributes.get("id"):
            return False
        if not self.classes <= box.classes:
            return False
        return not self.attributes or all(one.matches(box) for one in self.attributes)

    def matches_loosely(self, box: Box) -> bool:
        """As in quirks mode, where classes and ids have no case (Selectors 4 §6.6)."""
        if self.tag and self.tag != box.tag:
            return False
        if self.id and self.id.lower() != (box.attributes.get("id") or "").lower():
            return False
        if not self.folded <= box.folded:
            return False
        return not self.attributes or all(one.matches(box) for one in self.attributes)


@dataclass(frozen=True, slots=True)
class Selector:
    compounds: tuple[Compound, ...]
    """Left to right."""
    child: tuple[bool, ...]
    """Whether '>' stands before each compound."""
    weight: tuple[int, int, int]
    maybe: bool
    """A pseudo-class or sibling we do not evaluate: the rule may apply."""

    def matches(self, box: Box) -> bool:
        if len(self.compounds) == 1:
            return self.compounds[0].matches(box)
        return self._holds(box, Compound.matches)

    def matches_loosely(self, box: Box) -> bool:
        """Whether it would match in a document without a doctype."""
        if len(self.compounds) == 1:
            return self.compounds[0].matches_loosely(box)
        return self._holds(box, Compound.matches_loosely)

    def _holds(self, box: Box, holds: Callable[[Compound, Box], bool]) -> bool:
        at = len(self.compounds) - 1
        if not holds(self.compounds[at], box):
            return False
        direct, here = self.child[at], box.parent
        at -= 1
        while at >= 0:
            while here is not None and not holds(self.compounds[at], here):
                if direct:
                    return False
                here = here.parent
            if here is None:
                return False
            direct, here = self.child[at], here.parent
            at -= 1
        return True


def lookup_key(selector: str) -> str:
    """What the last compound asks for, in lower case: a class, an id or a tag; '*' where that is not plain."""
    parts = selector.rsplit(None, 1)
    last = parts[-1] if parts else ""
    if last.isalnum():
        return last.lower()
    if "\\" in selector or "]" in last or ")" in last:
        return "*"
    last = _COMBINATOR.split(last)[-1].partition(":")[0]
    mark = max(last.rfind("."), last.rfind("#"))
    return (last[mark:] if mark >= 0 else last).lower() or "*"


def selectors(prelude: str) -> list[str]:
    """The selectors of a list; commas in brackets do not part them."""
    if "(" not in prelude and "[" not in prelude:
        return prelude.split(",")
    parts, depth, start = [], 0, 0
    for at, mark in enumerate(prelude):
        if mark in "([":
            depth += 1
        elif mark in ")]":
            depth -= 1
        elif mark == "," and depth <= 0:
            parts.append(prelude[start:at])
            start = at + 1
    return [*parts, prelude[start:]]


def read_selector(text: str) -> Selector | None:
    """None where the selector can match nothing a person looks at: hover, ::before, broken."""
    words = re.sub(r"\s*([>+~])\s*", r" \1 ", _unquoted_brackets(text)).split()
    compounds: list[Compound] = []
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
    return Selector(tuple(compounds), tuple(child), (weight[0], weight[1], weight[2]), maybe)


def _unquoted_brackets(text: str) -> str:
    """Blanks and combinators inside [] and () must not split a compound."""
    if "[" not in text and "(" not in text:
        return text
    return re.sub(
        r"[\[(][^\])]*[\])]",
        lambda m: m[0].replace(" ", "\x00").replace(">", "").replace("+", "").replace("~=", "*="),
        text,
    )


def _compound(word: str, weight: list[int]) -> tuple[Compound | None, bool]:
    tag = own_id = ""
    classes: list[str] = []
    attributes: list[Attribute] = []
    maybe = False
    at = 0
    for found in _simples(word):
        at = found.end()
        if found["tag"]:
            tag = found["tag"].replace("\\", "").lower()
            weight[2] += 1
        elif found["class"]:
            classes.append(found["class"].replace("\\", ""))
            weight[1] += 1
        elif found["id"]:
            own_id = found["id"].replace("\\", "")
            weight[0] += 1
        elif found["name"]:
            attributes.append(_attribute(found))
            weight[1] += 1
        elif found["pseudo"]:
            pseudo = found["pseudo"].lower()
            if pseudo in _INERT or (pseudo.lstrip(":") in _GENERATED or pseudo.startswith("::-")):
                return None, False
            maybe = maybe or pseudo not in _ALWAYS
            weight[1] += 1
    maybe = maybe or at != len(word)
    lower = frozenset([name.lower() for name in classes])
    return Compound(tag, own_id, frozenset(classes), lower, tuple(attributes)), maybe


def _attribute(found: re.Match[str]) -> Attribute:
    name = found["name"].lower()
    value = next((one for one in (found["double"], found["single"], found["bare"]) if one is not None), "")
    return Attribute(name, found["op"] or "", value, name in _ANY_CASE or (found["flag"] or "").lower() == "i")


def _simples(word: str) -> Iterator[re.Match[str]]:
    at = 0
    while (found := _SIMPLE.match(word, at)) is not None:
        yield found
        at = found.end()
