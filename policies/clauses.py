"""The policy's clauses: what each demands in our words, and what keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Keeper(StrEnum):
    """What keeps a clause."""

    RULE = "rule"
    """Inline, on every message."""
    TOOL = "tool"
    """A feature that customers or staff use."""
    REVIEW = "review"
    """A person decides, with evidence."""
    CONTRACT = "contract"
    """Recorded, not decided by software."""


RULE, TOOL, REVIEW, CONTRACT = Keeper.RULE, Keeper.TOOL, Keeper.REVIEW, Keeper.CONTRACT


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause; `rules` are registered, `planned` are the rule ids still to come."""

    id: str
    title: str
    kept_by: frozenset[Keeper]
    rules: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()


def _clause(
    id: str, title: str, *kept_by: Keeper, rules: tuple[str, ...] = (), planned: tuple[str, ...] = ()
) -> Clause:
    return Clause(id, title, frozenset(kept_by), rules, planned)


CLAUSES: tuple[Clause, ...] = (
    _clause("1.1", "Using the service means accepting the policy", RULE, rules=("standing.pending",)),
    _clause("1.2", "Spamming ends in deactivation at once", REVIEW, RULE, rules=("standing.deactivated",)),
    _clause("1.3", "Fees already paid are not refunded", CONTRACT),
    _clause(
        "2.1",
        "Bulk commercial mail without permission is spam",
        RULE,
        rules=(
            "consent.missing",
            "consent.unconfirmed",
            "consent.expired",
            "consent.withdrawn",
            "volume.per_day",
            "volume.reports",
        ),
        planned=("volume.recipients",),
    ),
    _clause(
        "2.2",
        "The same content to many, with no regard to the person, marks bulk",
        RULE,
        rules=("stream.mismatch",),
        planned=("volume.campaign",),
    ),
    _clause("2.3", "The recipient took an explicit, verified action", RULE, rules=("consent.unconfirmed",)),
    _clause(
        "3.1",
        "Mail goes only to people who gave permission, and stops at their no",
        RULE,
        rules=(
            "consent.missing",
            "consent.withdrawn",
            "consent.complained",
            "consent.unreachable",
            "consent.list",
            "list.unknown",
        ),
    ),
    _clause(
        "3.2",
        "No bought, rented, leased or third-party lists",
        TOOL,
        REVIEW,
        rules=("consent.quarantined", "volume.ramp"),
    ),
    _clause("3.3", "No addresses collected from public places", TOOL, REVIEW),
    _clause("3.4", "Nobody without contact in the last two years", RULE, rules=("consent.expired",)),
    _clause("3.5", "Who is unsure asks us", TOOL),
    _clause("4.1", "No offensive content", RULE, REVIEW, planned=("content.offensive",)),
    _clause("4.2", "No promotion of illegal items", RULE, REVIEW, planned=("content.illegal",)),
    _clause("4.3", "No promotion of violence", RULE, REVIEW, planned=("content.violence",)),
    _clause(
        "4.4",
        "No industries that draw complaints above the average",
        REVIEW,
        RULE,
        planned=("content.gambling",),
    ),
    _clause(
        "5.1",
        "The sender's registered postal address stands in each footer",
        RULE,
        rules=("footer.postal_address",),
    ),
    _clause("5.2", "The postal address is kept up to date", TOOL, rules=("standing.pending",)),
    _clause(
        "5.3",
        "What a message says about its sender is right",
        RULE,
        rules=("identity.from", "identity.reverse_path", "identity.unaligned", "footer.foreign_address"),
    ),
    _clause("5.4", "An unsubscribe link stands at the bottom", RULE, rules=("unsubscribe.link",)),
    _clause("5.5", "The unsubscribe link cannot be removed", RULE, rules=("unsubscribe.link",)),
    _clause("5.6", "The platform itself carries out unsubscribe requests", TOOL, rules=("consent.withdrawn",)),
    _clause("6.1", "Customers get a double opt-in tool", TOOL, rules=("consent.unconfirmed",)),
    _clause("6.2", "Imported lists are verified and tracked", TOOL),
    _clause("6.3", "No addresses of functions", RULE, rules=("address.role",)),
    _clause("7.1", "All submission activity is monitored", TOOL),
    _clause(
        "7.2",
        "Mailing people without permission closes the account",
        REVIEW,
        RULE,
        planned=("volume.refusals",),
    ),
    _clause(
        "7.3",
        "A complaint warns, another after the warning suspends",
        RULE,
        REVIEW,
        rules=("standing.suspended",),
    ),
    _clause("7.4", "No arbitrary decisions: samples are looked at before the last one", REVIEW),
    _clause("7.5", "Consequences: deactivation, no refund, compensation, legal action", CONTRACT),
    _clause("7.6", "Only for organisations with opt-in lists", REVIEW, rules=("standing.pending",)),
)


def clause(clause_id: str) -> Clause:
    """The clause with this id; KeyError where the policy has none."""
    for one in CLAUSES:
        if one.id == clause_id:
            return one
    raise KeyError(clause_id)
