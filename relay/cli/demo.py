"""`relay demo`: the real relay on data of its own; sends a series of messages and says what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.load import load
from config.schema import Settings
from policies.address import Address
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.engine import open_store
from relay.cli.check import judge
from relay.cli.output import Exit, Failure, print_line, print_table
from relay.demo.letters import Letter, letters
from relay.demo.play import Outcome, Play
from relay.demo.settings import Ports, relay_toml
from relay.demo.world import DOMAIN, PASSWORD, World
from relay.premises import Premises
from relay.smtp import certificate
from relay.smtp.auth import Passwords

app = typer.Typer()
START_SECONDS = 60.0


@app.command()
def demo(once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False) -> None:
    """Start the relay with a built-in outbox, send messages through it, and show each verdict."""
    folder = Path(tempfile.mkdtemp(prefix="relay-demo-"))
    try:
        ports = Ports.free()
        config = folder / "relay.toml"
        config.write_text(relay_toml(ports))
        environ = {**{k: v for k, v in os.environ.items() if not k.startswith("RELAY_")}, "RELAY_DEMO": "1"}
        asyncio.run(_prepare(config))
        with _serving(config, environ, folder / "journal.log", ports):
            good = _show(folder, ports)
            if not once:
                _stay(folder, config, ports)
        raise typer.Exit(Exit.DONE if good else Exit.REFUSED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _prepare(config: Path) -> None:
    settings, now = load(config, {}).settings, datetime.now(UTC)
    await Premises(settings, now).ready()
    engine, passwords = open_store(settings.store.url), Passwords()
    try:
        await World(engine, KeyDirectory(settings.data_dir / "dkim"), passwords, now).build()
    finally:
        passwords.close()
        await engine.close()


@contextlib.contextmanager
def _serving(config: Path, environ: dict[str, str], log: Path, ports: Ports) -> Iterator[None]:
    """`relay serve` as a process of its own, its journal in a file."""
    command = [sys.executable, "-m", "relay.cli.main", "--config", str(config), "serve", "--workers", "1"]
    with log.open("wb") as journal:
        process = subprocess.Popen(command, env=environ, stdout=journal, stderr=journal, start_new_session=True)
        try:
            _until_ready(process, log, ports)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(40)
            if process.poll() is None:
                process.kill()


def _until_ready(process: subprocess.Popen[bytes], log: Path, ports: Ports) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if b'"service.started"' in log.read_bytes():
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{ports.web}/readyz", timeout=5),
            ):
                return
        time.sleep(0.05)
    said = log.read_text(errors="replace").strip().splitlines()
    raise Failure(f"the relay did not start: {said[-1] if said else 'no output'}", Exit.UNAVAILABLE)


def _show(folder: Path, ports: Ports) -> bool:
    """The table; whether every verdict was the expected one."""
    settings = load(folder / "relay.toml", {}).settings
    trusted = certificate.self_signed(settings.data_dir, settings.hostname)
    play = Play(ports.submission, folder / "outbox", trusted, lambda letter: _changes(settings, letter))
    outcomes = list(play.show(letters()))
    print_table(
        ("", "what was sent", "verdict", "rule", "what was changed", "reply"), [_row(one) for one in outcomes]
    )
    wrong = [one for one in outcomes if not one.expected]
    print_line("")
    if wrong:
        print_line(f"{len(wrong)} of {len(outcomes)} verdicts were not the expected ones (marked !)", "red")
    else:
        print_line(f"{len(outcomes)} messages, every verdict as expected", "green")
    return not wrong


def _changes(settings: Settings, letter: Letter) -> list[str]:
    """What `relay check` says is changed in the body."""
    to = [Address.parse(one) for one in letter.recipients]
    report = asyncio.run(judge(settings, letter.octets, letter.account, to, ""))
    return list(dict.fromkeys(what for part, what in report.changes if part))


def _row(one: Outcome) -> tuple[str, ...]:
    mark = "ok" if one.expected else "!"
    return (mark, one.letter.shows, one.verdict, one.rule, one.changed, one.reply)


def _stay(folder: Path, config: Path, ports: Ports) -> None:
    """Say how to send one's own, then wait for Ctrl-C."""
    relay = Path(sys.executable).with_name("relay")
    for line in (
        "",
        "Send your own, for example:",
        f"  swaks --server 127.0.0.1:{ports.submission} -tls --auth-user acme/mail --auth-password {PASSWORD}"
        f" --from news@{DOMAIN} --to budi@example.test",
        "",
        f"Mail program: server 127.0.0.1, port {ports.submission}, STARTTLS (accept the certificate),"
        f" user acme/mail, password {PASSWORD}, sender news@{DOMAIN}",
        "Recipients with permission: budi@example.test, chen@example.test, dewi@example.test",
        f"What arrived:   {folder / 'outbox' / 'new'}",
        f"The journal:    {relay} --config {config} log -f",
        f"Any REF above:  {relay} --config {config} explain REF",
        "",
        "Ctrl-C ends the demo and removes its data.",
    ):
        print_line(line)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
