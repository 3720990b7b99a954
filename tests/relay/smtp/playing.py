"""Plays a dialog file over a real socket.

`C: ` is a line sent with CRLF, `R: ` octets with escapes, sent as they are; `S: ` is a line expected, where a
trailing `*` stands for anything. `TLS` does the handshake, `CLOSED` expects the server to have closed. `# NAME:
WORDS` is a directive of whoever sets the stage; other lines that begin with `#` are for readers.
"""

from __future__ import annotations

from codecs import decode
from pathlib import Path

from talking import Client

DIALOGS = Path(__file__).parents[2] / "dialogs"


def read(script: Path) -> list[str]:
    return script.read_text().splitlines()


def directives(lines: list[str], name: str) -> list[list[str]]:
    """The words behind each `# NAME:`."""
    return [line.split()[2:] for line in lines if line.startswith(f"# {name}:")]


def limits_of(lines: list[str]) -> dict[str, int]:
    """`# limit: NAME VALUE`."""
    return {name: int(value) for name, value in directives(lines, "limit")}


async def play(client: Client, lines: list[str], name: str) -> None:
    """From the greeting on."""
    for number, line in enumerate(lines, 1):
        await _line(client, line, f"{name}:{number}")


async def _line(client: Client, line: str, where: str) -> None:
    if line.startswith("C:"):
        client.send(line[3:] + "\r\n")
    elif line.startswith("R: "):
        client.send(decode(line[3:], "unicode_escape"))
    elif line.startswith("S: "):
        expected, heard = line[3:], await client.line()
        matches = heard.startswith(expected[:-1]) if expected.endswith("*") else heard == expected
        assert matches, f"{where}: expected {expected!r}, heard {heard!r}"
    elif line == "TLS":
        await client.start_tls()
    elif line == "CLOSED":
        assert await client.rest() == "", where
    else:
        assert not line or line.startswith("#"), f"{where}: {line!r} is no line of a dialog"
