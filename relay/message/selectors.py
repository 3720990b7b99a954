"""CSS selectors: which elements they match; what cannot be judged is 'maybe'."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SIMPLE = re.compile(
    r"\*|(?P<tag>[a-zA-Z](?:[\w-]|\\.)*)|\.(?P<class>[\w\\-]+)|#(?P<id>[\w\\-]+)"
    r"|\[\s*(?P<name>[\w:-]+)\s*(?:(?P<op>[~^$*|]?=)\s*[\"']?(?P<value>[^\]\"']*)[\"']?\s*[iI]?)?\s*\]"
    r"|(?P<pseudo>::?[\w-]+(?:\([^)]*\))?)"
)
_COMBINATOR = re.compile(r"[>+~]")
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
class Compound:
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
class Selector:
    compounds: tuple[Compound, ...]
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


def lookup_key(selector: str) -> str:
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
    attributes: list[tuple[str, str, str]] = []
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
            attributes.append((found["name"].lower(), found["op"] or "", (found["value"] or "").strip()))
            weight[1] += 1
        elif found["pseudo"]:
            pseudo = found["pseudo"].lower()
            if pseudo in _INERT or pseudo.startswith("::") or pseudo in (":before", ":after"):
                return None, False
            maybe = maybe or pseudo not in _ALWAYS
            weight[1] += 1
    maybe = maybe or at != len(word)
    return Compound(tag, own_id, frozenset(classes), tuple(attributes)), maybe


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
