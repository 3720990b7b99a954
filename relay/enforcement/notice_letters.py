"""The letters owners get: the first refusal, and the day's digest; English or Indonesian, text and HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from config.schema import Platform
from policies.guidance import GUIDANCE
from relay.enforcement.notice_texts import TEXTS, counted, grouped
from relay.masking import masked
from relay.permission.stationery import Letter
from relay.ports import RefusalRow
from relay.ports.notices import Owner, RuleSummary, Told
from relay.refusals import sentence

MAX_RECIPIENTS = 10
"""Named in the mail of a first refusal."""


@dataclass(frozen=True, slots=True)
class Named:
    """One recipient, masked."""

    address: str
    times: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One rule's part of a letter."""

    rule: str
    counted: str
    label: str
    what: str
    recipients: Sequence[Named]
    more: str
    asks: str
    mend: str
    page: str
    about: str
    help: str


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes both letters; links lead to our own public pages, in the letter's language."""

    platform: Platform
    page_of: Callable[[str], str]
    """The URL of a refusal's page, by its REF."""
    digest_hour: int
    _templates: Environment = field(
        default_factory=lambda: Environment(
            loader=PackageLoader("relay.enforcement"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )

    def first(self, owner: Owner, refusal: RefusalRow) -> Letter:
        """One refusal, told at once."""
        language = self._language(owner)
        values = {"at": self._time(refusal.at), "rule": refusal.rule, "ref": refusal.ref}
        recipients = [Named(masked(one)) for one in refusal.recipients[:MAX_RECIPIENTS]]
        more = len(refusal.recipients) - len(recipients)
        item = self._item(language, refusal, "what", recipients, more)
        return self._letter(owner, language, "first", values, [item])

    def digest(self, owner: Owner, told: Told, end: datetime, rules: Sequence[RuleSummary]) -> Letter:
        """What every rule refused in the day up to `end`."""
        language = self._language(owner)
        values = {
            "refusals": counted(language, "refusal", sum(one.count for one in rules)),
            "since": self._time(told.at if told.first_ref else told.until),
            "until": self._time(end),
            "ref": rules[0].newest.ref,
        }
        return self._letter(owner, language, "digest", values, [self._summed(language, one) for one in rules])

    def _summed(self, language: str, rule: RuleSummary) -> Item:
        how_often = [counted(language, "refusal", rule.count)]
        named = [
            Named(masked(one.recipient), counted(language, "time", one.count), self._page(language, one.ref))
            for one in rule.most
        ]
        if rule.recipients:
            how_often.append(counted(language, "recipient", rule.recipients))
        more = rule.recipients - len(named)
        return self._item(language, rule.newest, "newest", named, more, ", ".join(how_often))

    def _item(
        self,
        language: str,
        refusal: RefusalRow,
        label: str,
        recipients: Sequence[Named],
        more: int,
        how_often: str = "",
    ) -> Item:
        texts, guidance = TEXTS[language], GUIDANCE.get(refusal.rule)
        asks, mend = guidance.in_language(language) if guidance else ("", "")
        return Item(
            rule=refusal.rule,
            counted=how_often,
            label=texts[label],
            what=sentence(refusal),
            recipients=recipients,
            more=texts["more"].format(count=grouped(language, more)) if more > 0 else "",
            asks=asks,
            mend=mend,
            page=self._page(language, refusal.ref),
            about=texts["help"].format(rule=refusal.rule),
            help=f"{self.platform.public_url.rstrip('/')}/help/{refusal.rule}?l={language}",
        )

    def _letter(
        self, owner: Owner, language: str, kind: str, values: Mapping[str, str], items: Sequence[Item]
    ) -> Letter:
        known = {**values, **self._everywhere(owner)}
        said = {name: text.format_map(known) for name, text in TEXTS[language].items() if name in _ONCE[kind]}
        said = {name.removeprefix(f"{kind}_"): text for name, text in said.items()}
        beside = {"t": TEXTS[language], "items": items, "language": language, "platform": self.platform.name}
        return Letter(
            to=owner.email,
            sender=f"{self.platform.name} via {self.platform.name}",
            reply_to=self._reply_to(),
            subject=said["subject"],
            language=language,
            text=self._templates.get_template("refusals.txt").render({**said, **beside}),
            html=self._templates.get_template("refusals.html").render({**said, **beside}),
        )

    def _reply_to(self) -> str:
        """The platform's contact; where that is a page, an address of ours that a person reads."""
        kind, _, address = self.platform.contact.partition(":")
        return address.partition("?")[0] if kind == "mailto" else f"postmaster@{self.platform.mail_domain}"

    def _everywhere(self, owner: Owner) -> dict[str, str]:
        return {
            "account": owner.account,
            "organisation": owner.organisation,
            "email": owner.email,
            "platform": self.platform.name,
            "contact": self.platform.contact.removeprefix("mailto:"),
            "hour": f"{self.digest_hour:02}:00 ({self.platform.timezone})",
        }

    def _language(self, owner: Owner) -> str:
        """Indonesian to Indonesia; elsewhere nothing better than the platform's language is known."""
        return "id" if owner.country.upper() == "ID" else self.platform.language

    def _page(self, language: str, ref: str) -> str:
        return f"{self.page_of(ref)}?l={language}"

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.platform.timezone)):%Y-%m-%d %H:%M %Z}"


_ONCE = {
    kind: {*(f"{kind}_{part}" for part in ("subject", "title", "intro", "closing")), "ask", "why"}
    for kind in ("first", "digest")
}
"""Texts of a letter that stand in it once; the others stand in every part."""
