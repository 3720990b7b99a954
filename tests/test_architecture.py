"""The shape of the tree: import direction, purity, sizes, names; every rule registered, every clause kept."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from config.schema import RULES, Settings
from policies.chain import Observed
from policies.clauses import CLAUSES, Clause, Keeper, clause
from policies.registry import build

ROOT = Path(__file__).parents[1]
PACKAGES = ("config", "policies", "relay")
MODULES = sorted(path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
LIVING = [module for module in MODULES if "/migrations/versions/" not in module]
"""Migrations are written once and never edited, whatever their length."""

REGISTERED = build(Settings()).everything()

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "process", "info", "misc"}
MAX_MODULE = 300
MAX_FUNCTION = 40

IMPURE = set(
    """aiosmtpd aiosmtplib aiosqlite asyncio asyncpg concurrent dns fastapi http io logging multiprocessing os pathlib
    random secrets select selectors smtplib socket sqlalchemy sqlite3 ssl subprocess sys tempfile threading time
    urllib uuid""".split()  # noqa: SIM905
)
"""What policies/ may not touch: clocks, logs, files, sockets, chance."""

STAGES = (
    "relay.message",
    "relay.forwarding",
    "relay.permission",
    "relay.enforcement",
    "relay.intake",
    "relay.stages",
)
EDGES = ("relay.smtp", "relay.web", "relay.cli")
DIRECTIONS = [
    ("config", ("policies", "relay")),
    ("policies", ("relay",)),
    ("relay.ports", ("relay.adapters", "relay.app", "relay.stages", *EDGES)),
    ("relay.adapters", ("relay.app", "relay.stages", *EDGES)),
    ("relay.smtp", ("relay.adapters", "relay.app", "relay.web", "relay.cli")),
    ("relay.web", ("relay.adapters", "relay.app", "relay.smtp", "relay.cli")),
    *((stage, ("relay.adapters", "relay.app", *EDGES)) for stage in STAGES),
]
"""Who may not import whom: config <- policies <- relay; smtp, web, cli -> stages -> ports <- adapters."""


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), filename=module)


def imports(module: str) -> Iterator[str]:
    """Dotted names of everything a module imports, wherever in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def dotted(module: str) -> str:
    return module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize(("package", "never"), DIRECTIONS, ids=[package for package, _ in DIRECTIONS])
def test_imports_go_one_way(package: str, never: tuple[str, ...]) -> None:
    wrong = {
        f"{module} imports {name}"
        for module in MODULES
        if inside(dotted(module), package)
        for name in imports(module)
        if any(inside(name, other) for other in never)
    }

    assert not wrong


def test_policies_touch_no_clock_log_file_or_socket() -> None:
    pure = [module for module in MODULES if module.startswith("policies/")]
    imported = {
        f"{module}: {name}" for module in pure for name in imports(module) if name.partition(".")[0] in IMPURE
    }
    awaits = {module for module in pure for node in ast.walk(tree(module)) if isinstance(node, ast.AsyncFunctionDef)}
    called = {f"{module}:{line} {name}" for module in pure for name, line in calls(module)}

    assert not imported
    assert not awaits
    assert not {
        one for one in called if one.rpartition(" ")[2] in {"open", "print", "input", "now", "utcnow", "today"}
    }


def calls(module: str) -> Iterator[tuple[str, int]]:
    """Last names of what a module calls, and the line."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            yield name, node.lineno


@pytest.mark.parametrize(
    ("library", "home"),
    [("aiosmtpd", "relay/smtp/"), ("aiosmtplib", "relay/adapters/"), ("dns", "relay/adapters/")],
)
def test_a_library_is_imported_in_its_own_corner_only(library: str, home: str) -> None:
    wrong = [module for module in MODULES if not module.startswith(home) if library in roots(module)]

    assert not wrong


def roots(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)}


def test_nothing_is_patched_in_tests() -> None:
    tests = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")]

    assert not [module for module in tests if any(inside(name, "unittest.mock") for name in imports(module))]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_for_its_job_and_opens_with_a_sentence(module: str) -> None:
    assert not FORBIDDEN_NAMES & set(Path(module).with_suffix("").parts)
    assert ast.get_docstring(tree(module)), f"{module} does not say what it is for"


@pytest.mark.parametrize("module", LIVING)
def test_modules_and_functions_stay_small(module: str) -> None:
    length = len((ROOT / module).read_text(encoding="utf-8").splitlines())
    functions = [node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f"{one.name}: {lines_of(one)}" for one in functions if lines_of(one) > MAX_FUNCTION]

    assert length <= MAX_MODULE
    assert not long


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_every_rule_that_settings_name_is_registered_and_the_other_way_round() -> None:
    assert {rule.id for rule in REGISTERED} == set(RULES)


def test_every_rule_class_in_policies_is_registered() -> None:
    ids = {
        ast.literal_eval(statement.value)
        for module in MODULES
        if module.startswith("policies/")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and statement.value and ast.unparse(statement.target) == "id"
    }

    assert ids == {rule.id for rule in REGISTERED}


def test_every_rule_keeps_a_clause_of_the_register_or_is_a_rule_of_transport() -> None:
    for rule in REGISTERED:
        if rule.clause is None:
            assert rule.id.startswith("message."), rule.id
        else:
            assert rule.id in clause(rule.clause).rules, rule.id


@pytest.mark.parametrize("one", CLAUSES, ids=lambda one: f"clause {one.id}")
def test_every_clause_is_kept(one: Clause) -> None:
    known = {rule.id for rule in REGISTERED}

    assert one.kept_by
    assert set(one.rules) <= known
    assert not set(one.planned) & known, "what is built is no longer planned"
    assert Keeper.RULE not in one.kept_by or one.rules or one.planned


def test_rules_are_cited_by_their_clause_in_their_own_module() -> None:
    for rule in REGISTERED:
        rule = rule.rule if isinstance(rule, Observed) else rule
        module = Path(type(rule).__module__.replace(".", "/") + ".py").as_posix()

        assert rule.clause is None or rule.clause in (ROOT / module).read_text(encoding="utf-8"), rule.id
