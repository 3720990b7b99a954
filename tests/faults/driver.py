"""Drives a running relay from outside: a smarthost in its thread, clients that write the ledger, time that passes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ledger import Account, Answer, Ledger
from rows import Rows
from running import Running
from sink import Sink, Stage, Taken

SENDER = "news@acme.test"
PEOPLE = tuple(f"reader{number:02}@example.test" for number in range(40))
"""All subscribed; the fixtures of conftest.py see to it."""
LOST = (smtplib.SMTPServerDisconnected, OSError)
"""What smtplib raises where the connection ends or never began."""
_numbers = itertools.count(1)


class Smarthost:
    """A `Sink` in a thread; one port for its whole life, whether it listens or not."""

    def __init__(self) -> None:
        self.sink = Sink()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink", daemon=True)
        self._thread.start()
        self.listen()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.sink.port}"

    @property
    def taken(self) -> list[Taken]:
        return list(self.sink.taken)

    def listen(self) -> None:
        asyncio.run_coroutine_threadsafe(self.sink.__aenter__(), self._loop).result(10)

    def leave(self) -> None:
        """Stop listening, hang up on everybody."""
        asyncio.run_coroutine_threadsafe(self.sink.stop(), self._loop).result(10)

    @contextlib.contextmanager
    def fault(self, stage: Stage, what: str | bytes) -> Iterator[None]:
        """What happens at a stage for a while; links that were open before are dropped, as their peer was."""
        self.sink.faults[stage] = what
        if stage in (Stage.BANNER, Stage.EHLO):
            self._loop.call_soon_threadsafe(self.sink.hang_up)
        try:
            yield
        finally:
            self.sink.faults.clear()
            self._loop.call_soon_threadsafe(self.sink.hang_up)

    def close(self) -> None:
        """The end, and the judgement on every octet it took."""
        self.leave()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        assert not self.sink.violations, self.sink.violations


def new_ident(word: str = "m") -> str:
    return f"{word}{next(_numbers):05}"


def letter(ident: str, text: str = "Hello.\r\n") -> bytes:
    """A plain message that the ledger knows by its Message-ID."""
    head = f"From: Acme <{SENDER}>\r\nTo: readers@example.test\r\nSubject: News {ident}\r\nMIME-Version: 1.0\r\n"
    head += f"Date: Mon, 03 Mar 2025 10:00:00 +0000\r\nMessage-ID: <{ident}@ledger.test>\r\n"
    return (head + "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + text).encode()


def offer(session: smtplib.SMTP, recipients: Sequence[str], raw: bytes) -> Answer:
    """One transaction; the first reply that is not the hoped-for one, else the reply to the dot."""
    phase = "mail"
    try:
        session.ehlo_or_helo_if_needed()
        code, text = session.mail(SENDER)
        for recipient in recipients:
            if code // 100 != 2:
                break
            phase = "rcpt"
            code, text = session.rcpt(recipient)
        if code // 100 == 2:
            phase = "dot"
            try:
                code, text = session.data(raw)
            except smtplib.SMTPDataError as refused:
                phase, code, text = "data", refused.smtp_code, _octets(refused.smtp_error)
        if phase not in ("dot", "data") or code // 100 != 2:
            _reset(session)
        return Answer(code if code > 0 else 0, text.decode("ascii"), phase)
    except LOST:
        session.close()
        return Answer(0, "", phase)


def _octets(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _reset(session: smtplib.SMTP) -> None:
    with contextlib.suppress(*LOST):
        session.rset()


class Client:
    """Offers messages to one relay and notes every answer."""

    def __init__(self, relay: Running, ledger: Ledger) -> None:
        self.relay = relay
        self.ledger = ledger

    def session(self, listener: str) -> smtplib.SMTP:
        return self.relay.login() if listener == "submission" else self.relay.bulk_session()

    def send(self, listener: str, recipients: Sequence[str], raw: bytes = b"", ident: str = "") -> Answer:
        """One message over a session of its own."""
        ident = ident or new_ident()
        session = self.session(listener)
        try:
            answer = offer(session, recipients, raw or letter(ident))
        finally:
            session.close()
        return self.ledger.note(ident, recipients, listener, answer)

    def wait_for_smarthost(self) -> None:
        """Until a message goes through at once: the breaker is closed, links are new."""
        until(lambda: " accepted" in self.send("bulk", PEOPLE[-1:]).text, "the smarthost is not used again")


class Load:
    """Clients that send without pause over kept sessions until told to stop; each keeps one message in flight."""

    def __init__(self, client: Client, clients: int, seed: int) -> None:
        self.errors: list[str] = []
        self._client = client
        self._ending = threading.Event()
        self._given_up = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed * 100 + number), number), daemon=True)
            for number in range(clients)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Nothing more is sent, not even again; the relay may be gone."""
        self._given_up.set()
        self._ending.set()

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(60)
        assert not self.errors, self.errors

    def _run(self, chance: random.Random, number: int) -> None:
        listener = "submission" if number % 3 == 0 else "bulk"
        try:
            while not self._ending.is_set():
                self._one(chance, listener, self._open(listener))
        except Exception as fault:
            self.errors.append(f"{listener}: {type(fault).__name__}: {fault}")
            raise

    def _open(self, listener: str) -> smtplib.SMTP | None:
        try:
            return self._client.session(listener)
        except (smtplib.SMTPException, OSError):
            time.sleep(0.25)
            return None

    def _one(self, chance: random.Random, listener: str, session: smtplib.SMTP | None) -> None:
        """Messages over one session until it breaks; a message without an answer is offered again."""
        waiting = ""
        people: list[str] = []
        while not self._given_up.is_set() and not (self._ending.is_set() and not waiting):
            if session is None or session.sock is None:
                session = self._open(listener)
                continue
            if not waiting:
                waiting = new_ident("load")
                people = chance.sample(PEOPLE[:30], chance.choice((1, 1, 3)))
            answer = offer(session, people, letter(waiting, "Hello.\r\n" * chance.choice((1, 40, 900))))
            self._client.ledger.note(waiting, people, listener, answer)
            if answer.code:
                waiting = ""
            if answer.code == 421:
                session.close()
        if session is not None:
            session.close()


def until(holds: Callable[[], bool], otherwise: str, seconds: float = 20.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def store(relay: Running) -> Path:
    """The file of a relay on SQLite."""
    return relay.folder / "var" / "relay.db"


def rows(relay: Running) -> Rows:
    return Rows(relay.store_url, relay.folder)


def query(relay: Running, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """Rows of the relay's store, as another process sees them."""
    return rows(relay).query(sql, *parameters)


def states(relay: Running, ident: str) -> list[str]:
    """Of each copy of a message the store knows."""
    found = query(
        relay,
        "SELECT c.state FROM spool_copy c JOIN spool_message m ON m.account_id = c.account_id AND m.ref = c.ref"
        " WHERE m.message_id = ? ORDER BY c.ordinal",
        f"<{ident}@ledger.test>",
    )
    return [str(one[0]) for one in found]


def time_passes(relay: Running) -> None:
    """Retries, copies in doubt and leases of dead workers have waited long enough; no client may be waiting."""
    rows(relay).change(
        "UPDATE spool_copy SET next_attempt_at = 1 WHERE next_attempt_at IS NOT NULL",
        "UPDATE spool_message SET next_attempt_at = 1 WHERE next_attempt_at IS NOT NULL",
        "UPDATE spool_message SET lease_until = 1 WHERE lease_until IS NOT NULL AND promised = 0",
    )


def waiting(relay: Running) -> int:
    """Messages with copies that are not final, our own mail included; those a person must look at do not count."""
    sql = "SELECT COUNT(*) FROM spool_message WHERE next_attempt_at IS NOT NULL OR lease_until IS NOT NULL"
    return int(str(query(relay, sql)[0][0]))


def reckon(client: Client, smarthost: Smarthost, seconds: float = 180.0) -> Account:
    """Let the queue drain, then compare ledger, smarthost and spool; a slow machine may take long for it."""
    relay = client.relay
    deadline = time.monotonic() + seconds
    while waiting(relay) and time.monotonic() < deadline:
        time_passes(relay)
        time.sleep(1.0)
    return client.ledger.settle(smarthost.taken, rows(relay))
