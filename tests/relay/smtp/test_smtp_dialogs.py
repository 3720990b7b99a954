"""What the protocol itself answers: tests/dialogs/*.smtp, played to a server whose stages only remember.

`# listener: KIND TLS [auth=required]` and `# limit: NAME VALUE` set the stage; the language is playing.py's.
"""

import dataclasses
from pathlib import Path

import pytest
from playing import DIALOGS, directives, limits_of, play, read
from talking import LIMITS, listener, serving


@pytest.mark.parametrize("script", sorted(DIALOGS.glob("*.smtp")), ids=lambda script: script.stem)
async def test_a_dialog_goes_as_written(script: Path, tmp_path: Path):
    lines = read(script)
    limits = dataclasses.replace(LIMITS, **limits_of(lines))
    kind, tls, *more = directives(lines, "listener")[0]
    async with serving(tmp_path, listener(kind, tls, **_settings(more)), limits) as relay:
        await play(await relay.connect(greet=False), lines, script.name)


def _settings(words: list[str]) -> dict[str, object]:
    found: dict[str, object] = dict(word.split("=") for word in words)
    if found.get("trusted"):
        found["trusted"] = (found["trusted"],)
    return found
