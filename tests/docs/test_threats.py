"""docs/threats.md: every row has a test, and every test it names exists."""

import ast
import re

from docs.reading import ROOT

WANTED = {*map(str, range(1, 51)), "36a", "36b", "51", "52", "55", "56", "57", "62", "70", "72", "73", "74"}
"""53, 54 and 58 come with the console and enforcement."""
ROWS = re.findall(
    r"^\| (\d+[ab]?) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs" / "threats.md").read_text("utf-8"), re.M
)


def test_every_row_has_a_test():
    assert {number for number, _, tests in ROWS if "`" in tests} == WANTED
    assert len(ROWS) == len(WANTED)


def test_every_test_that_is_named_exists():
    missing = []
    for _, _, tests in ROWS:
        for name in re.findall(r"`([^`]+)`", tests):
            path, _, function = name.partition("::")
            if not (ROOT / path).is_file() or (function and function not in functions(path)):
                missing.append(name)

    assert not missing


def functions(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
