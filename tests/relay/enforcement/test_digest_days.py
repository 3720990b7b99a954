"""When owners are told: pure times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relay.enforcement.digest_days import LOOK_BACK, DigestDays

UTC_7 = DigestDays(7, "UTC")
BERLIN = DigestDays(2, "Europe/Berlin")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REF = "01KB0000000000000000000000"


@pytest.mark.parametrize(
    ("at", "before", "after"),
    [
        (NOON, datetime(2026, 3, 1, 7, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC)),
        (NOON - 6 * HOUR, datetime(2026, 2, 28, 7, tzinfo=UTC), datetime(2026, 3, 1, 7, tzinfo=UTC)),
        (NOON - 5 * HOUR, datetime(2026, 3, 1, 7, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_its_hour_and_the_next_begins_there(at, before, after):
    assert (UTC_7.end_before(at), UTC_7.end_after(at)) == (before, after)


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"])
@pytest.mark.parametrize("hour", [0, 7, 23])
def test_every_time_lies_in_one_day_of_every_zone(zone, hour):
    days = DigestDays(hour, zone)
    for step in range(48):
        at = NOON + step * HOUR
        assert days.end_before(at) <= at < days.end_after(at)
        assert days.end_after(at) - days.end_before(at) == DAY


def test_days_are_shorter_and_longer_where_clocks_are_changed():
    in_spring = BERLIN.end_after(datetime(2026, 3, 28, 12, tzinfo=UTC))
    in_autumn = BERLIN.end_after(datetime(2026, 10, 24, 12, tzinfo=UTC))

    assert in_spring < BERLIN.end_after(in_spring) <= in_spring + DAY
    assert in_autumn + DAY <= BERLIN.end_after(in_autumn) <= in_autumn + 25 * HOUR


def test_the_first_refusal_is_told_at_once_and_ends_the_quiet():
    never = UTC_7.never_told(7, NOON)
    told = UTC_7.after_first(never, REF, NOON, NOON)

    assert (never.turn, never.due_at, never.until) == (0, None, NOON - LOOK_BACK)
    assert (told.turn, told.first_ref, told.due_at) == (1, REF, datetime(2026, 3, 2, 7, tzinfo=UTC))


def test_a_digest_settles_its_day_and_the_next_is_due_a_day_later():
    told = UTC_7.after_first(UTC_7.never_told(7, NOON), REF, NOON, NOON)
    end = UTC_7.end_after(NOON)
    told = UTC_7.after_digest(told, end)

    assert (told.until, told.first_ref, told.due_at) == (end, "", end + DAY)


def test_quiet_comes_back_after_a_whole_day_without_refusals_not_after_a_few_minutes():
    just_before = datetime(2026, 3, 1, 6, 59, tzinfo=UTC)
    told = UTC_7.after_first(UTC_7.never_told(7, just_before), REF, just_before, just_before)
    end = UTC_7.end_after(just_before)

    after_a_minute = UTC_7.after_nothing(told, end)
    after_a_day = UTC_7.after_nothing(after_a_minute, end + DAY)

    assert after_a_minute.due_at == end + DAY
    assert after_a_day.due_at is None
    assert UTC_7.after_nothing(UTC_7.after_digest(told, end), end + DAY).due_at is None
