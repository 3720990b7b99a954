"""The labelled addresses of labelled/postal_addresses.txt."""

from __future__ import annotations

import re
from pathlib import Path

FILE = Path(__file__).parent / "labelled" / "postal_addresses.txt"


def labelled(mark: str) -> list[tuple[str, str]]:
    """(registered address, text) of each line that begins with '+' (it stands there) or '-' (it does not)."""
    found, registered = [], ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            registered = _plain(line[2:])
        elif line.startswith(f"{mark} "):
            found.append((registered, _plain(line[2:])))
    return found


def _plain(text: str) -> str:
    text = re.sub(r"\\x([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)
    return text.replace(r"\n", "\n").replace(r"\t", "\t")
