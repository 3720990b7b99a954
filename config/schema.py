"""Every setting of relay.toml: one frozen dataclass per table; defaults, units and ranges live only here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Le

from config.imports import Imports as Imports
from config.imports import Positive as Positive

RULES: tuple[str, ...] = (
    "standing.pending",
    "standing.suspended",
    "standing.deactivated",
    "identity.reverse_path",
    "identity.from",
    "identity.unaligned",
    "consent.missing",
    "consent.unconfirmed",
    "consent.expired",
    "consent.withdrawn",
    "consent.complained",
    "consent.unreachable",
    "consent.quarantined",
    "consent.list",
    "list.unknown",
    "address.role",
    "message.malformed",
    "message.too_large",
    "message.loop",
    "message.opaque",
    "footer.postal_address",
    "footer.foreign_address",
    "unsubscribe.link",
    "stream.mismatch",
    "volume.per_day",
    "volume.reports",
    "volume.ramp",
)
"""Rule ids a [policy."…"] table may name; so may their groups, the part before the dot."""

OBSERVED: frozenset[str] = frozenset({"identity.unaligned", "footer.foreign_address"})
"""Rules that only observe unless a table of their own says otherwise."""

Seconds: TypeAlias = Annotated[float, Ge(0.05), Le(864000.0)]


@dataclass(frozen=True, slots=True)
class Platform:
    """Who runs the relay, as recipients and customers see it."""

    name: str = "Demo Platform"
    public_url: str = "http://127.0.0.1:8580"
    """Base of every link in mail; plain http is allowed on loopback only."""
    contact: str = "mailto:policy@relay.localhost"
    mail_domain: str = "b.relay.localhost"
    """Domain of reverse-paths, opt-out and report addresses."""
    timezone: str = "UTC"
    """Display only: everything stored is UTC."""
    language: Literal["en", "id"] = "en"


@dataclass(frozen=True, slots=True)
class Listener:
    """One SMTP port (INTERFACE.md §3)."""

    kind: Literal["submission", "bulk", "intake"]
    bind: str
    """host:port; port 0 takes a free one."""
    tls: Literal["starttls", "implicit", "none"] = "none"
    on_unavailable: Literal["queue", "defer"] | None = None
    """Smarthost unreachable, 4xx or late: queue (250) or defer (451); absent: submission queues, bulk defers."""
    trusted: tuple[str, ...] = ()
    """Networks that may connect to a bulk listener."""
    auth: Literal["required", "optional"] | None = None
    """Absent: submission requires it, bulk takes it."""
    proxies: tuple[str, ...] = ()
    """Load balancers: connections from here begin with a PROXY header (v1 or v2), and nobody else's counts."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificate and key of the listeners; absent on loopback, a self-signed pair is made in data_dir."""

    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Smarthost:
    """Where mail goes: smtp://, smtps:// or smtp+starttls://[user:password@]host:port, or maildir:PATH."""

    url: str = "maildir:outbox"
    weight: Positive = 1
    connections: Positive = 20
    """Links kept open at most, per worker."""
    messages_per_connection: Positive = 500
    verify: bool = True
    """Check the smarthost's certificate; false is for a smarthost on loopback."""


@dataclass(frozen=True, slots=True)
class Store:
    url: str = "sqlite:///var/relay.db"
    """sqlite:///PATH (relative to relay.toml's folder) or postgresql://user:password@host/db."""


@dataclass(frozen=True, slots=True)
class Web:
    bind: str = "127.0.0.1:8580"
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """X-Forwarded-For and -Proto count from these networks only."""


@dataclass(frozen=True, slots=True)
class Console:
    bind: str | None = None
    """A port of its own for the staff console; absent: [web] bind."""


@dataclass(frozen=True, slots=True)
class Log:
    format: Literal["auto", "text", "json"] = "auto"
    file: Path | None = None
    """Journal lines go here besides stdout; reopened on reload."""


@dataclass(frozen=True, slots=True)
class Dkim:
    platform_signature: bool = True
    """A second signature, d=mail_domain, beside the From domain's."""


@dataclass(frozen=True, slots=True)
class Dns:
    servers: tuple[str, ...] = ()
    """host:port; empty: the system's."""
    check_domains: bool = True
    """Look up MX/A of addresses at import, sign-up and subscriber add."""
    timeout: Seconds = 3.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of us (RELIABILITY.md rows 38-43). Octets and seconds."""

    max_size: Positive = 26_214_400
    max_recipients: Positive = 1000
    connections: Positive = 2000
    connections_per_address: Positive = 20
    """From one address while not authenticated and not trusted."""
    command_idle: Seconds = 60.0
    transaction: Seconds = 600.0
    data_rate: Positive = 500
    """Octets a second below which DATA is given up."""
    soft_errors: Positive = 10
    """Protocol errors after which replies are delayed."""
    hard_errors: Positive = 20
    """Protocol errors after which the session ends, 421 4.7.0."""
    auth_failures: Positive = 3
    """Wrong passwords a session."""
    memory_budget: Positive = 268_435_456
    """Message octets held in memory by one worker over all sessions; over it: 452 4.3.1 at MAIL."""
    spool_threshold: Positive = 1_048_576
    """A message larger than this goes to an unlinked temporary file while it arrives."""
    handshake: Seconds = 10.0
    sandbox_per_day: Positive = 200
    """Copies a day of an account that is still pending."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What logins for service and personal mail may send (POLICY.md, Streams)."""

    personal_footer: Literal["full", "line", "off"] = "full"
    """full: address, reason and link; line: address and link; off: personal mail goes without."""
    personal_recipients: Positive = 25
    """Of one message."""
    personal_per_day: Positive = 200
    """Copies of one login."""
    personal_same_content: Positive = 20
    """Messages of one content a day, over all personal logins of an account."""
    reports_per_hour: Positive = 60
    """Messages of one login with the null reverse-path."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Clocks of forwarding and of the retry queue. Seconds."""

    inline_deadline: Seconds = 20.0
    """How long a client waits for the smarthost before its copies belong to the queue."""
    connect_timeout: Seconds = 10.0
    idle_timeout: Seconds = 30.0
    """A kept link is closed after this long without use."""
    parallel_copies: Positive = 8
    retry_first: Seconds = 60.0
    retry_max: Seconds = 14_400.0
    expire_after: Seconds = 345_600.0
    in_doubt_after: Seconds = 900.0
    """A copy without a reply after the dot is sent again after this long, the same bytes."""
    in_doubt_tries: Positive = 3
    keep_final: Seconds = 86_400.0
    """Message bytes are purged this long after the last copy is final."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept. Days."""

    journal: Positive = 35
    evidence: Positive = 1826
    """Of a permission, after it ended: by the person's no or by age (clause 3.4)."""
    reports: Positive = 180
    """Mail to the intake listener that was filed for a person."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Mail to accounts' owners about what was refused."""

    refusals: Literal["digest", "off"] = "digest"
    """digest: the first refusal at once, then once a day what came since."""
    digest_hour: Annotated[int, Ge(0), Le(23)] = 7
    """Hour of the day, in [platform] timezone."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """How often strangers may have us write to somebody (RELIABILITY.md row 51)."""

    per_client: Positive = 20
    """Forms sent in an hour from one address; of IPv6 its /64 counts."""
    per_form: Positive = 500
    """Of one sign-up form in an hour."""
    per_person: Positive = 3
    """Mails to one person in 24 hours, over all accounts; never a second question while one waits for its answer."""


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """One [policy."rule.id"] table, or [policy.group]."""

    mode: Literal["enforce", "observe"] = "enforce"
    """observe: the finding is journalled, not applied."""
    missing: Literal["inject", "reject"] | None = None
    """footer.postal_address only: what to do when the address is not there. Absent: inject."""


def _default_listeners() -> tuple[Listener, ...]:
    return (
        Listener("submission", "127.0.0.1:2587", "starttls", "queue"),
        Listener("bulk", "127.0.0.1:2525", "none", "defer", ("127.0.0.0/8", "::1/128"), "optional"),
        Listener("intake", "127.0.0.1:2526"),
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """relay.toml, typed. Paths are absolute once loaded."""

    hostname: str = "relay.localhost"
    """Banner, EHLO, Received and Message-ID."""
    data_dir: Path = Path("var")
    platform: Platform = field(default_factory=Platform)
    listener: tuple[Listener, ...] = field(default_factory=_default_listeners)
    tls: Tls = field(default_factory=Tls)
    smarthost: tuple[Smarthost, ...] = (Smarthost(),)
    store: Store = field(default_factory=Store)
    web: Web = field(default_factory=Web)
    console: Console = field(default_factory=Console)
    log: Log = field(default_factory=Log)
    dkim: Dkim = field(default_factory=Dkim)
    dns: Dns = field(default_factory=Dns)
    limits: Limits = field(default_factory=Limits)
    streams: Streams = field(default_factory=Streams)
    delivery: Delivery = field(default_factory=Delivery)
    retention: Retention = field(default_factory=Retention)
    notices: Notices = field(default_factory=Notices)
    imports: Imports = field(default_factory=Imports)
    sign_up: SignUp = field(default_factory=SignUp)
    policy: Mapping[str, RulePolicy] = field(default_factory=dict)

    def rule(self, rule_id: str) -> RulePolicy:
        """The table of a rule: its own, else its group's, else the defaults."""
        own = self.policy.get(rule_id)
        if own is None and rule_id in OBSERVED:
            return RulePolicy(mode="observe")
        return own or self.policy.get(rule_id.partition(".")[0]) or RulePolicy()
