"""Passwords and guessing limits behind one port (RELIABILITY.md rows 32 to 34)."""

from __future__ import annotations

from dataclasses import dataclass

from relay.ports import PasswordsBusy
from relay.smtp.auth import Overloaded, Passwords
from relay.smtp.guesses import Guesses


@dataclass(frozen=True, slots=True)
class Gate:
    """The port `PasswordVerifier`."""

    passwords: Passwords
    guesses: Guesses

    async def verify(self, stored: str | None, password: bytes) -> bool:
        """Whether it is the password; PasswordsBusy where too many checks wait."""
        try:
            return await self.passwords.verify(stored, password)
        except Overloaded as error:
            raise PasswordsBusy from error

    def blocked(self, login: str, client: str) -> bool:
        return self.guesses.blocked(login, client)

    def failed(self, login: str, client: str) -> None:
        self.guesses.failed(login, client)

    def succeeded(self, login: str, client: str) -> None:
        self.guesses.succeeded(login, client)
