"""Sends the demo's letters through the real ports and compares what came back with what had to come."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.demo.letters import Letter
from relay.demo.world import PASSWORD

_REF = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
_LINK = re.compile(rb"List-Unsubscribe:\s*<([^>]+)>")
_RULE = re.compile(r"\b([a-z]+\.[a-z_]+): ")
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    letter: Letter
    verdict: str
    rule: str
    reply: str
    ref: str
    changed: str

    @property
    def expected(self) -> bool:
        right = self.verdict == self.letter.verdict and self.rule == self.letter.rule
        return right and self.letter.change in self.changed and bool(self.changed) == (self.verdict != "refused")


@dataclass(frozen=True, slots=True)
class Play:
    """The relay's port, its outbox, its certificate, and a dry run that tells what is changed."""

    port: int
    outbox: Path
    certificate: Path
    changes: Callable[[Letter], Sequence[str]]

    def show(self, letters: list[Letter]) -> Iterator[Outcome]:
        """Each letter in turn, over STARTTLS and AUTH as a mail program would."""
        for letter in letters:
            outcome = self._one(letter)
            if letter.opts_out_after and outcome.ref:
                self._one_click(outcome.ref)
            yield outcome

    def _one(self, letter: Letter) -> Outcome:
        replies = self._submit(letter)
        final = replies[-1]
        refused = [reply for reply in replies if reply[0] in "45"]
        accepted = final.startswith("250")
        verdict = "refused" if not accepted else "partly" if refused else "accepted"
        told = refused[0] if refused else final
        rule = _RULE.search(told)
        ref = _REF.search(told if not accepted else final)
        changed = self._changed(ref.group() if ref else "", letter) if accepted else ""
        return Outcome(letter, verdict, rule.group(1) if rule else "", told, ref.group() if ref else "", changed)

    def _submit(self, letter: Letter) -> list[str]:
        """Every reply that matters, in order; ends at the first that ends the attempt."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", self.port, timeout=SECONDS) as client:
            client.starttls(context=context)
            try:
                client.login(f"{letter.account}/mail", PASSWORD)
            except smtplib.SMTPAuthenticationError as error:
                return [_line(error.smtp_code, error.smtp_error)]
            code, text = client.mail(letter.sender)
            if code != 250:
                return [_line(code, text)]
            replies = [_line(*client.rcpt(recipient)) for recipient in letter.recipients]
            if any(reply.startswith("25") for reply in replies):
                replies.append(_line(*client.data(letter.octets)))
            return [reply for reply in replies if not reply.startswith("250 2.1.5")]

    def _changed(self, ref: str, letter: Letter) -> str:
        """What was changed, once every copy has arrived with its link and a signature; empty otherwise."""
        copies = self._copies(ref, len(letter.recipients) - (letter.verdict == "partly"))
        if not copies or not all(_LINK.search(copy) and b"DKIM-Signature:" in copy for copy in copies):
            return ""
        return "; ".join(self.changes(letter))

    def _copies(self, ref: str, wanted: int) -> list[bytes]:
        deadline = time.monotonic() + SECONDS
        while True:
            mails = [path.read_bytes() for path in sorted(self.outbox.glob("new/*"))]
            copies = [mail for mail in mails if ref.encode() in mail]
            if len(copies) >= wanted or time.monotonic() > deadline:
                return copies
            time.sleep(0.05)

    def _one_click(self, ref: str) -> None:
        """What Gmail's button does (RFC 8058 §3.2)."""
        for copy in self._copies(ref, 1):
            link = _LINK.search(copy)
            if link is not None:
                request = urllib.request.Request(link.group(1).decode(), b"List-Unsubscribe=One-Click")
                with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                    answer.read()


def _line(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('ascii', 'replace') if isinstance(text, bytes) else text}"
