"""Plays tests/dialogs/*.smtp over a real socket.

`# listener: KIND TLS [auth=required]` and `# limit: NAME VALUE` set the stage. `C: ` is a line sent with CRLF, `R: `
octets with escapes, sent as they are; `S: ` is a line expected, where a trailing `*` stands for anything. `TLS` does
the handshake, `CLOSED` expects the server to have closed.
"""

import dataclasses
from codecs import decode
from pathlib import Path

import pytest
from talking import LIMITS, Client, listener, serving

DIALOGS = sorted((Path(__file__).parents[2] / "dialogs").glob("*.smtp"))


@pytest.mark.parametrize("script", DIALOGS, ids=lambda script: script.stem)
async def test_a_dialog_goes_as_written(script: Path, tmp_path: Path):
    lines = _read(script)
    limits = dataclasses.replace(LIMITS, **dict(_limits(lines)))
    async with serving(tmp_path, listener(*_listener(lines), **_more(lines)), limits) as relay:
        client = await relay.connect(greet=False)
        for number, line in enumerate(lines, 1):
            await _play(client, line, f"{script.name}:{number}")


def _read(script: Path) -> list[str]:
    return script.read_text().splitlines()


def _directives(lines: list[str], name: str) -> list[list[str]]:
    return [line.split()[2:] for line in lines if line.startswith(f"# {name}:")]


def _listener(lines: list[str]) -> list[str]:
    return _directives(lines, "listener")[0][:2]


def _more(lines: list[str]) -> dict[str, object]:
    more: dict[str, object] = dict(word.split("=") for word in _directives(lines, "listener")[0][2:])
    if more.get("trusted"):
        more["trusted"] = (more["trusted"],)
    return more


def _limits(lines: list[str]) -> list[tuple[str, int]]:
    return [(name, int(value)) for name, value in _directives(lines, "limit")]


async def _play(client: Client, line: str, where: str) -> None:
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
