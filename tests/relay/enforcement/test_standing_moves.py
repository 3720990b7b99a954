"""Clauses 1.1, 1.2, 7.3 and 7.4: which way standing may move, and by whose hand."""

from __future__ import annotations

from itertools import product

import pytest

from policies.facts import Standing
from relay.enforcement.standing import Move, MoveRefused, Standings, by_staff, by_system, missing, settled

ACTIVE, WARNED, PENDING = Standing.ACTIVE, Standing.WARNED, Standing.PENDING
SUSPENDED, DEACTIVATED = Standing.SUSPENDED, Standing.DEACTIVATED
FINE = Standings(ACTIVE, ACTIVE)


def test_the_stricter_side_counts():
    order = [ACTIVE, WARNED, PENDING, SUSPENDED, DEACTIVATED]
    for system, staff in product(order, order):
        assert Standings(system, staff).effective is order[max(order.index(system), order.index(staff))]


@pytest.mark.parametrize(
    ("version", "address", "owed"),
    [
        ("1", "1 Road", ""),
        ("", "1 Road", "the policy is not accepted"),
        ("1", " ", "no postal address is registered"),
        ("", "", "the policy is not accepted and no postal address is registered"),
    ],
)
def test_what_keeps_an_account_in_the_sandbox_is_named(version, address, owed):
    assert missing(version, address) == owed


def test_pending_ends_by_itself_once_nothing_is_owed():
    pending = Standings(PENDING, ACTIVE)

    assert settled(pending, "something") == pending
    assert settled(pending, "") == FINE


@pytest.mark.parametrize("standing", [WARNED, SUSPENDED, DEACTIVATED])
def test_nothing_else_moves_up_by_itself(standing):
    assert settled(Standings(standing, standing), "") == Standings(standing, standing)


@pytest.mark.parametrize(
    ("move", "to"), [(Move.WARN, WARNED), (Move.SUSPEND, SUSPENDED), (Move.DEACTIVATE, DEACTIVATED)]
)
def test_a_person_moves_the_staffs_side_down(move, to):
    assert by_staff(Standings(WARNED, ACTIVE), move, "") == Standings(WARNED, to)


def test_a_milder_move_on_a_stricter_standing_is_refused():
    with pytest.raises(MoveRefused, match="reinstate it first"):
        by_staff(Standings(ACTIVE, DEACTIVATED), Move.SUSPEND, "")


def test_a_second_warning_may_be_recorded():
    warned = Standings(ACTIVE, WARNED)

    assert by_staff(warned, Move.WARN, "") == warned


def test_reinstating_sets_both_sides_to_active():
    assert by_staff(Standings(SUSPENDED, DEACTIVATED), Move.REINSTATE, "") == FINE


def test_reinstating_an_account_that_owes_something_leads_to_the_sandbox():
    assert by_staff(Standings(PENDING, SUSPENDED), Move.REINSTATE, "owed") == Standings(PENDING, ACTIVE)


@pytest.mark.parametrize(("now", "owed"), [(FINE, ""), (Standings(PENDING, ACTIVE), "the policy is not accepted")])
def test_there_must_be_something_to_reinstate(now, owed):
    with pytest.raises(MoveRefused, match="nothing to reinstate"):
        by_staff(now, Move.REINSTATE, owed)


def test_the_system_moves_an_account_down_as_far_as_suspended():
    assert by_system(FINE, WARNED) == Standings(WARNED, ACTIVE)
    assert by_system(Standings(WARNED, ACTIVE), SUSPENDED) == Standings(SUSPENDED, ACTIVE)
    with pytest.raises(MoveRefused, match="only a person deactivates"):
        by_system(FINE, DEACTIVATED)


def test_the_system_never_moves_an_account_up():
    with pytest.raises(MoveRefused, match="only a person moves an account up"):
        by_system(Standings(SUSPENDED, ACTIVE), WARNED)
