"""The accounts, lists and people of the relay that most tests share."""

from __future__ import annotations

import time

from running import PASSWORD, POSTAL_ADDRESS, Running

PEOPLE = tuple(f"person{number}@example.test" for number in range(1, 41))
"""On acme's list news; the first twenty on offers too."""
OFFERS = PEOPLE[:20]
PLATFORM_PASSWORD = "the-platform-s-own-password"


def _at(days: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400 * days))


def build(relay: Running) -> None:
    """acme and beta in good standing, fresh still pending, closed suspended; a platform credential."""
    relay.here("db", "init")
    relay.account()
    relay.here("list", "add", "acme", "offers", "--confirm", "single")
    relay.here("list", "add", "acme", "club")
    relay.here("credential", "add", "acme", "offers", "--stdin", "--list", "offers", stdin=PASSWORD)
    relay.here("credential", "add", "--platform", "esp", "--stdin", stdin=PLATFORM_PASSWORD)
    relay.subscribe(*PEOPLE, "anne@example.test", "budi@example.test", "chen@example.test")
    relay.subscribe(*OFFERS, list_name="offers")
    relay.subscribe("unsure@example.test", list_name="club")
    _refused_at_import(relay)
    relay.account("beta", "beta.test", dkim=False)
    relay.subscribe("anne@example.test", account="beta")
    _others(relay)


def _refused_at_import(relay: Running) -> None:
    """Rows that no list can take, kept with their verdict."""
    file = relay.folder / "refused.csv"
    rows = (
        f"old@example.test,{_at(900)},sign-up form\n"
        f"info@example.test,{_at(10)},sign-up form\n"
        "undated@example.test,,sign-up form\n"
        f"tomorrow@example.test,{_at(-2)},sign-up form\n"
        f"gone@example.test,{_at(10)},sign-up form,unsubscribed\n"
    )
    file.write_text(f"email,consented_at,consent_source,status\n{rows}")
    relay.here("list", "import", "acme", "news", str(file), "--source", "test data")


def _others(relay: Running) -> None:
    """fresh has not accepted the policy; closed was suspended."""
    for name in ("fresh", "closed"):
        add = ("--organisation", name.title(), "--email", f"owner@{name}.test", "--country", "US")
        more = ("--industry", "retail", "--postal-address", POSTAL_ADDRESS)
        accepted = ("--accept-policy",) if name == "closed" else ()
        relay.here("account", "add", name, *add, *more, *accepted)
        relay.here("domain", "add", name, f"{name}.test")
        relay.here("domain", "verify", name, f"{name}.test", "--force", "--reason", "test")
        relay.here("credential", "add", name, "mail", "--stdin", stdin=PASSWORD)
    relay.here("account", "suspend", "closed", "--reason", "test")
