"""AUTH: which account speaks, by which credential, and whether its standing lets it (clauses 1.2, 7.3)."""

from __future__ import annotations

from dataclasses import dataclass

from policies.chain import decide
from policies.facts import Account, Sender, SenderFacts
from policies.registry import Rules
from policies.verdict import Defer, Reject, Reply
from relay.identifiers import new_ref
from relay.ports import Clock, Directory, PasswordsBusy, PasswordVerifier, StoreUnavailable
from relay.record import Record
from relay.refusals import Refusals
from relay.transaction import Credential, Session

WELCOME = Reply(235, "2.7.0", "authenticated")
WRONG = Reply(535, "5.7.8", "wrong login or password")
BUSY = Reply(454, "4.7.0", "cannot check passwords right now, try again later")


@dataclass(slots=True)
class Login:
    """Checks one AUTH; unknown names, wrong passwords and revoked credentials answer alike, in words and time."""

    rules: Rules
    directory: Directory
    passwords: PasswordVerifier
    refusals: Refusals
    record: Record
    clock: Clock

    async def authenticate(self, session: Session, login: str, password: bytes, authzid: str) -> Reply:
        """235 sets the session's credential and account; every other reply leaves them alone."""
        if self.passwords.blocked(login, session.client):
            return self._busy(session, login, "too many wrong passwords lately")
        try:
            credential = await self._credential(login)
            account = await self._account(session, credential, login, authzid)
            stored = credential.password_hash if credential and account and not credential.revoked else None
            right = await self.passwords.verify(stored, password)
        except PasswordsBusy:
            return self._busy(session, login, "too many password checks wait")
        except StoreUnavailable as trouble:
            return self._busy(session, login, f"the store cannot be read: {trouble}")
        if credential is None or account is None or not right:
            self.passwords.failed(login, session.client)
            self.record.auth_failed(session, login, "wrong login or password", WRONG, new_ref())
            return WRONG
        self.passwords.succeeded(login, session.client)
        return self._admit(session, credential, account)

    def _busy(self, session: Session, login: str, why: str) -> Reply:
        self.record.auth_failed(session, login, why, BUSY, new_ref())
        return BUSY

    def _admit(self, session: Session, credential: Credential, account: Account) -> Reply:
        facts = SenderFacts(
            "bulk" if session.listener == "bulk" else "submission", credential.stream, self.clock.now()
        )
        decision = decide(self.rules.authentication, Sender(account), facts)
        if isinstance(decision.verdict, (Reject, Defer)):
            ref = new_ref()
            reply = self.refusals.reply(decision, ref)
            self.record.auth_refused(session, account, decision, reply, ref)
            return reply
        session.credential, session.account_id = credential, account.account_id
        return WELCOME

    async def _credential(self, login: str) -> Credential | None:
        """ACCOUNT/NAME, or a platform credential's bare NAME."""
        account_name, slash, name = login.rpartition("/")
        if slash and not account_name:
            return None
        return await self.directory.credential(account_name, name)

    async def _account(
        self, session: Session, credential: Credential | None, login: str, authzid: str
    ) -> Account | None:
        """A platform credential speaks, on bulk only, for the account it names as authorization identity."""
        if credential is None:
            return None
        if credential.account_id == 0:
            return await self.directory.account_named(authzid) if session.listener == "bulk" and authzid else None
        if authzid not in ("", login, credential.account_name):
            return None
        return await self.directory.account(credential.account_id)
