"""What a single address is judged by before it joins a list: the same as a row of a file (clauses 3.1, 6.3)."""

from __future__ import annotations

from dataclasses import dataclass

from config.schema import Settings
from policies.address import Address
from policies.facts import Confirm
from policies.imports.patterns import Patterns
from policies.imports.row import NO_MAIL, ROLE
from relay.adapters.store.day_batches import Joining
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.imports import Imports
from relay.cli.list_import import inspecting
from relay.inspecting import terms


@dataclass(frozen=True, slots=True)
class Checked:
    """`reason` empty: it may join."""

    reason: str
    how: str
    """How to mend it."""
    joining: Joining


async def check_address(
    engine: Engine, settings: Settings, to: tuple[str, str], address: Address, who: Act
) -> Checked:
    """Judge an address for (account, list); NotFound where there is no such list."""
    target = await Imports(engine).target(*to)
    judged_by = inspecting(settings, "", who, target)
    reason, how = "", ""
    if address.domain not in target.domains:
        reason, how = judged_by.judge.address_fault(address)
    if reason == ROLE and target.confirm is Confirm.DOUBLE:
        reason, how = "", ""  # clause 6.3: the very person may still confirm
    if not reason and await judged_by.domains.dead({address.domain}):
        reason, how = NO_MAIL, f"{address.domain} takes no mail (DNS has neither MX nor address)"
    marks = Patterns(judged_by.traps).marks(address)
    return Checked(reason, how, Joining(judged_by.limits, terms(settings.imports), reason, marks))
