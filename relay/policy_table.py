"""README's table of clauses, from the register: `python -m relay.policy_table` writes it into README.md."""

from __future__ import annotations

import sys
from pathlib import Path

from policies.clauses import CLAUSES

_OPEN = "<!-- policy: written by `python -m relay.policy_table`, checked by a test -->"
_CLOSE = "<!-- /policy -->"


def table() -> str:
    """One row a clause: what it demands, what keeps it, the rules a client may meet."""
    rows = ["| clause | demands | kept by | rules |", "|---|---|---|---|"]
    for clause in CLAUSES:
        keepers = ", ".join(sorted(keeper.value for keeper in clause.kept_by))
        rules = ", ".join(f"`{rule}`" for rule in clause.rules)
        planned = "not built yet" if clause.planned and not clause.rules else ""
        rows.append(f"| {clause.id} | {clause.title} | {keepers} | {rules or planned} |")
    return "\n".join(rows)


def filled(readme: str) -> str:
    """The text with today's table between its marks."""
    before, _, rest = readme.partition(_OPEN)
    after = rest.partition(_CLOSE)[2]
    return f"{before}{_OPEN}\n{table()}\n{_CLOSE}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "README.md")
    path.write_text(filled(path.read_text()))
