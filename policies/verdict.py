"""Verdicts of rules, and the one form in which a client is told of them (INTERFACE.md §3)."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_REPLY = 510
"""Octets of a reply line without CRLF (RFC 5321 §4.5.3.1.5)."""


def clean(text: str, limit: int = MAX_REPLY) -> str:
    """One line of printable ASCII, at most `limit` octets: nothing from outside reaches a reply raw."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if " " <= c <= "~" else "?" if c > "~" else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply line: code, enhanced status (RFC 3463; empty where none belongs), text."""

    code: int
    enhanced: str
    text: str
    close: bool = False
    """End the session after this reply."""
    silent: bool = False
    """Close without a word: the mail may have gone and we cannot say so (RELIABILITY.md §E3 step 4)."""

    def __str__(self) -> str:
        return clean(" ".join(filter(None, (str(self.code), self.enhanced, self.text))))


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a rule says no with: code, the last two parts of the enhanced status, text for the client.

    The class of the enhanced status follows the code (RFC 3463 §3.1), so the two can never disagree.
    """

    code: int
    detail: str
    text: str

    @property
    def enhanced(self) -> str:
        return f"{self.code // 100}.{self.detail}"

    def reply(self, rule: str, ref: str, url: str) -> Reply:
        """`CODE ENHANCED rule.id: text [REF] URL`, the text cut so that REF and URL always fit."""
        head, tail = f"{self.code} {self.enhanced} {rule}: ", f" [{ref}] {url}".rstrip()
        text = clean(self.text, MAX_REPLY - len(head) - len(tail))
        return Reply(self.code, self.enhanced, f"{rule}: {text}{tail}")

    def __str__(self) -> str:
        return clean(f"{self.code} {self.enhanced} {self.text}")


@dataclass(frozen=True, slots=True)
class Accept:
    """The rule has nothing to say against it."""


ACCEPT = Accept()


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence beside a verdict: what was found where; stored for `explain` and printed by `check`."""

    part: str = ""
    line: int = 0
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A person decides; `why` tells them what was found."""

    why: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Defer:
    """Come back later: a fact could not be looked up, or a limit was reached. 4xx only."""

    refusal: Refusal
    why: str
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.refusal.code // 100 != 4:
            raise ValueError(f"Defer takes 4xx, not {self.refusal.code}")


@dataclass(frozen=True, slots=True)
class Reject:
    """No. 5xx only."""

    refusal: Refusal
    why: str
    findings: tuple[Finding, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.refusal.code // 100 != 5:
            raise ValueError(f"Reject takes 5xx, not {self.refusal.code}")


Verdict = Accept | Hold | Defer | Reject
