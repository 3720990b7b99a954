"""SQL is fixed text: values go beside it as parameters, and nothing that arrives is ever part of it (row 56)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|VALUES|WHERE|PRAGMA|COPY)\b")
OUR_OWN = {"hot_postgres.py": "CROSS JOIN LATERAL", "hot_postgres_writer.py": " FOR UPDATE SKIP LOCKED"}
"""Put around a statement that is fixed text itself; the parameters stay parameters."""
MODULES = [path for path in sorted((ROOT / "relay").rglob("*.py")) if SQL.search(path.read_text("utf-8"))]


def composed_within_functions(tree):
    """Texts with SQL in them that a function puts together: f-strings, %, format and +."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.JoinedStr) and any(isinstance(one, ast.FormattedValue) for one in node.values):
                yield node.lineno, "".join(one.value for one in node.values if isinstance(one, ast.Constant))
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
                yield from ((node.lineno, one) for one in texts(node))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
                yield from ((node.lineno, one) for one in texts(node.func.value))


def texts(node):
    return (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_function_puts_a_statement_together(module):
    tree = ast.parse(module.read_text("utf-8"))

    found = [(line, text) for line, text in composed_within_functions(tree) if SQL.search(text)]
    assert not [one for one in found if OUR_OWN.get(module.name, "\0") not in one[1]]


def test_a_statement_put_together_would_be_found():
    tree = ast.parse("def find(name):\n    return run(f\"SELECT * FROM account WHERE name = '{name}'\")\n")

    assert [line for line, text in composed_within_functions(tree) if SQL.search(text)] == [2]
