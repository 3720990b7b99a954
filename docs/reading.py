"""What the source says of itself: events, members, routes, reply codes, findings; for docs/writing.py and tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from policies.guidance import GUIDANCE
from policies.registry import Registered
from relay.journal import ORDER

ROOT = Path(__file__).parents[1]
MADE_BY = frozenset({"Event", "_write", "_say", "say"})
"""Calls that write a journal line; the event's name is their first argument."""
ROUTES = frozenset({"api_route", "get", "post"})
"""Decorators of a page."""

_DOTTED = re.compile(r"[a-z_0-9]+\.[a-z_0-9]+")
_EVENT = re.compile(r"[a-z]+\.[a-z_]+|unsubscribe|confirm|complaint|bounce")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees(folder: str) -> dict[str, ast.Module]:
    """Every module below a folder, by its path."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def strings(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def called(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Last name of what is called, and the call."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            name = one.func
            yield (name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")), one


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


# ---------------------------------------------------------------- journal


def events() -> set[str]:
    """Names of all events the code can write."""
    found: set[str] = set()
    for tree in trees("relay").values():
        for function in functions(tree):
            for name, call in called(function):
                if name in MADE_BY and call.args:
                    found |= set(_named(call.args[0], function, tree))
    return found


def _named(argument: ast.expr, function: Function, tree: ast.Module) -> Iterator[str]:
    """Event names in an argument; where it is a variable, in what is assigned or handed to it in this module."""
    if not isinstance(argument, ast.Name):
        yield from (text for text in strings(argument) if _EVENT.fullmatch(text))
        return
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(_is(target, argument.id) for target in node.targets):
            yield from (text for text in strings(node.value) if _EVENT.fullmatch(text))
    if argument.id in {one.arg for one in function.args.args}:
        for name, call in called(tree):
            if name == function.name:
                yield from (one for one in strings(call) if _EVENT.fullmatch(one))


def _is(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def members() -> set[str]:
    """Names of all members a line may have."""
    found = {"at", "level", "event", "ref", "node", "account", *ORDER}
    for tree in trees("relay").values():
        if any(name in MADE_BY and _writes(call) for name, call in called(tree)):
            for function in functions(tree):
                found |= set(_fields(function))
    return found


def _writes(call: ast.Call) -> bool:
    return (bool(call.args) and any(_EVENT.fullmatch(text) for text in strings(call.args[0]))) or _called_event(call)


def _called_event(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Event"


def _fields(function: Function) -> Iterator[str]:
    """Keys of what is bound to, merged into or handed over as the fields of an event."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
                if _field_name(target) and value is not None:
                    yield from _keys(value)
                if isinstance(target, ast.Subscript) and _field_name(target.value):
                    yield from _member(target.slice)
            case ast.AugAssign(target=target, value=value) if _field_name(target):
                yield from _keys(value)
            case ast.Call() if node.args or node.keywords:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in MADE_BY:
                    handed = [*node.args, *(one.value for one in node.keywords if one.arg == "fields")]
                    yield from (key for one in handed if isinstance(one, ast.Dict) for key in _keys(one))


def _field_name(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id in {"fields", "shared", "where"}


def _member(key: ast.expr) -> Iterator[str]:
    """A name; of one that is put together, the values it is made of in capitals: KIND_INDEX."""
    match key:
        case ast.Constant(value=str(name)):
            yield name
        case ast.JoinedStr(values=parts):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else _capitals(one) for one in parts)


def _capitals(part: ast.expr) -> str:
    return ast.unparse(part.value).rpartition(".")[2].upper() if isinstance(part, ast.FormattedValue) else ""


def _keys(node: ast.expr) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Dict):
            for key in one.keys:
                yield from strings(key) if isinstance(key, ast.Constant) else ()


# ---------------------------------------------------------------- web


def routes() -> dict[str, set[str]]:
    """Path -> methods, as the decorators of relay/web say."""
    found: dict[str, set[str]] = {}
    for tree in trees("relay/web").values():
        for function in functions(tree):
            for one in function.decorator_list:
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in ROUTES:
                    (path,) = strings(one.args[0])
                    named = {text for keyword in one.keywords for text in strings(keyword.value)}
                    found.setdefault(path, set()).update(named or {one.func.attr.upper()})
    return found


# ---------------------------------------------------------------- replies


def reply_codes(rules: Iterable[Registered]) -> dict[str, set[str]]:
    """Rule id -> `CODE ENHANCED` it can be refused with; the smarthost's own code is 'as the smarthost said'."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        inner = getattr(rule, "rule", rule)
        door = getattr(inner, "door", None)
        codes = {f"{door.code} {door.code // 100}.{door.detail}"} if door else _own_codes(type(inner))
        found.setdefault(rule.id, set()).update(codes)
    for tree in trees("relay").values():
        for function in functions(tree):
            for rule_id in set(strings(function)) & set(GUIDANCE):
                found.setdefault(rule_id, set()).update(_refusals(function))
    return found


def _own_codes(rule: type) -> set[str]:
    """Of the class, and of the functions of its module that it calls."""
    tree = ast.parse((ROOT / (rule.__module__.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    named = {one.name: one for one in tree.body if isinstance(one, ast.ClassDef | Function)}
    own = named[rule.__name__]
    return _refusals(own).union(*(_refusals(named[name]) for name, _ in called(own) if name in named))


def _refusals(node: ast.AST) -> set[str]:
    return {code for name, call in called(node) if name == "Refusal" for code in _code(call)}


def _code(call: ast.Call) -> Iterator[str]:
    match call.args[:2]:
        case [ast.Constant(value=int(code)), ast.Constant(value=str(detail))]:
            yield f"{code} {code // 100}.{detail}"
        case [ast.Name(id="code"), *_]:
            yield "as the smarthost said"


# ---------------------------------------------------------------- doctor


@dataclass(frozen=True)
class Finding:
    """One thing the doctor may say; what stands for a value is `…`."""

    id: str
    level: str
    what: str
    mend: str


def findings() -> dict[str, list[Finding]]:
    """All findings by id, in the order of the source."""
    found: dict[str, list[Finding]] = {}
    for tree in [*trees("relay/doctor").values(), *trees("relay/cli").values()]:
        for function in [tree, *functions(tree)]:
            for name, call in _shallow(function):
                if name in {"ok", "info", "warning", "error", "_not_known"} and call.args:
                    for one in _finding(name, call, function):
                        if one not in found.setdefault(one.id, []):
                            found[one.id].append(one)
    return found


def _shallow(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls of a function, or of a module outside its functions."""
    inside = {id(call) for function in functions(node) for _, call in called(function)}
    own = isinstance(node, Function)
    return ((name, call) for name, call in called(node) if own or id(call) not in inside)


def _finding(level: str, call: ast.Call, function: ast.AST) -> Iterator[Finding]:
    first, *rest = call.args
    texts = [_text(one, function) for one in rest]
    what, mend = (*texts, "", "")[:2]
    if level == "_not_known":
        level, what, mend = "warning", f"the {what} could not be looked up", "look at [dns] servers and the network"
    ids = strings(first) if isinstance(first, ast.Constant) else _assigned(first, function)
    for one in ids:
        if _DOTTED.fullmatch(one) or one == "smarthost":
            yield Finding(one, level, what, mend)


def _assigned(name: ast.expr, function: ast.AST) -> Iterator[str]:
    value = _value(name, function)
    return iter(()) if value is None else strings(value)


def _value(name: ast.expr, function: ast.AST) -> ast.expr | None:
    """What was assigned to a variable last before it is used."""
    assigned = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(name, ast.Name) and any(_is(t, name.id) for t in node.targets)
    ]
    before = [node for node in assigned if node.lineno < name.lineno]
    return max(before, key=lambda node: node.lineno).value if before else None


def _text(node: ast.expr, function: ast.AST) -> str:
    """A text of the source; values in it as `…`."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(one, function) if isinstance(one, ast.Constant) else "…" for one in parts)
        case ast.Name():
            value = _value(node, function)
            return "…" if value is None else _text(value, function)
        case ast.BinOp(left=left, right=right):
            return _text(left, function) + _text(right, function)
        case ast.IfExp(body=body, orelse=other):
            return f"{_text(body, function)} / {_text(other, function)}"
    return "…"
