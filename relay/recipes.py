"""Recipes: what rewriting writes into one message and into each recipient's copy."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from config.schema import Settings
from policies.facts import Account, Stream
from relay.identifiers import ref_prefix
from relay.message.fitting import WHY_ROOM
from relay.message.recipe import CopyRecipe, Recipe
from relay.tokens import Claim, Purpose, Tokens
from relay.transaction import Envelope, Transaction


@dataclass(frozen=True, slots=True)
class Recipes:
    """Fills recipes from settings, tokens and the transaction; `signers` knows which domains have a DKIM key."""

    settings: Settings
    tokens: Tokens
    signers: Callable[[str], tuple[tuple[str, str], ...]]
    """A-label From domain -> (domain, selector) of each signature to make."""

    def message(self, tx: Transaction, author_domain: str, campaign: str, now: datetime) -> Recipe:
        platform, mailing_list = self.settings.platform, tx.mailing_list
        list_name = mailing_list.name if mailing_list else ""
        account_list_id = f"{tx.account.name}.{platform.mail_domain}"
        streams = self.settings.streams
        marketing = tx.stream is Stream.MARKETING
        return Recipe(
            ref=tx.ref,
            hostname=self.settings.hostname,
            platform_name=platform.name,
            mail_domain=platform.mail_domain,
            organisation=tx.account.footer.organisation,
            postal_address=tx.account.footer.postal_address,
            account_name=tx.account.name,
            list_name=list_name,
            list_id_domain=f"{list_name}.{account_list_id}" if list_name else account_list_id,
            campaign=campaign,
            received_from=received_from(tx, self.settings.hostname),
            date=int(now.timestamp()),
            nonce=os.urandom(12).hex(),
            signers=self.signers(author_domain),
            list_headers=marketing,
            list_phrase=tx.account.footer.organisation if tx.account.footer.name else "",
            footer=tx.stream is not Stream.PERSONAL or streams.personal_footer != "off",
            footer_form="line" if tx.stream is Stream.PERSONAL and streams.personal_footer == "line" else "full",
            inject_address=self.settings.rule("footer.postal_address").missing != "reject",
            language=platform.language,
            feedback_loop=self.settings.dkim.platform_signature,
        )

    def copy(self, tx: Transaction, envelope: Envelope, language: str = "") -> CopyRecipe:
        """The recipient's own tokens: a purpose, a token, none exchangeable."""
        base = self.settings.platform.public_url.rstrip("/")
        domain, address = self.settings.platform.mail_domain, envelope.recipient.address
        list_id = tx.mailing_list.list_id if tx.mailing_list else 0
        contact_id, message, check = envelope.facts.contact_id, ref_prefix(tx.ref), self.tokens.check_bits(address)
        claim = Claim(Purpose.BOUNCE, tx.account.account_id, list_id, contact_id, message, check)
        tokens = self.tokens.of_copy(claim, self.settings.dkim.platform_signature)
        query = f"?l={language}" if language else ""
        return CopyRecipe(
            recipient=str(address),
            contact_id=contact_id,
            # A report's copy bears the null reverse-path on, or two systems would answer each other for ever.
            reverse_path=f"{tokens.bounce}@{domain}" if tx.mail.reverse_path else "",
            opt_out_url=f"{base}/u/{tokens.opt_out}{query}",
            opt_out_mailto=f"mailto:{tokens.opt_out_mail}@{domain}?subject=unsubscribe",
            feedback_id=tokens.feedback,
            why=_why(tx.stream, tx.account, language or self.settings.platform.language),
        )


_WHY = {
    (Stream.SERVICE, "en"): "This email concerns your own dealings with {organisation}.",
    (Stream.SERVICE, "id"): "Email ini berkaitan dengan urusan Anda sendiri dengan {organisation}.",
    (Stream.PERSONAL, "en"): "This email was written to you by a person at {organisation}.",
    (Stream.PERSONAL, "id"): "Email ini ditulis kepada Anda oleh seseorang di {organisation}.",
}
"""Why whoever is on no list gets this; marketing has its own words for it (relay/message/footer.py)."""


def _why(stream: Stream, account: Account, language: str) -> str:
    if stream is Stream.MARKETING:
        return ""
    spoken = "id" if language.partition("-")[0].lower() == "id" else "en"
    return _WHY[stream, spoken].format(organisation=" ".join(account.footer.organisation.split()))[:WHY_ROOM]


def received_from(tx: Transaction, hostname: str) -> str:
    """The trace clause of RFC 5321 §4.4, without 'for' (Bcc stays hidden) and without the date."""
    session = tx.session
    literal = f"[IPv6:{session.client}]" if ":" in session.client else f"[{session.client}]"
    protocol = "ESMTP" if session.esmtp else "SMTP"
    protocol += "S" if session.tls else ""
    protocol += "A" if session.credential else ""
    tls = f" (using {session.tls})" if session.tls else ""
    return f"from {session.helo or literal} ({literal}){tls} by {hostname} with {protocol} id {tx.ref}"
