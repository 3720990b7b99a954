"""The consent record's fields (STANDARDS.md §4.5) out of what the store keeps of a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.adapters.store.evidence import PersonRecord, SubscriptionRecord
from relay.adapters.store.history import ConsentEvent
from relay.adapters.store.noes import No

Field = str | int | None


Fields = dict[str, Field]
"""One subscription's record."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything of one address: a record a list, the strongest permission first, and what happened."""

    records: tuple[Fields, ...]
    """Never empty: without a subscription it holds what is known of the person alone."""
    events: tuple[Fields, ...]

    def json(self) -> dict[str, Field | list[Fields]]:
        """The first record's fields, beside them all records and events."""
        return {**self.records[0], "subscriptions": list(self.records), "events": list(self.events)}


_ORDER = ("confirmed", "subscribed", "imported", "pending", "lapsed", "refused")
"""Statuses, the strongest permission first."""


def bundle(record: PersonRecord, list_name: str, max_age: timedelta) -> Bundle:
    """The whole record; `list_name` narrows it to one list."""
    chosen = [one for one in record.subscriptions if list_name in ("", one.list_name)]
    chosen.sort(key=lambda one: _ORDER.index(one.status))
    records = [_fields(record, one, max_age) for one in chosen] or [_person(record) | _withdrawal(record.no, ())]
    events = {event.ref: event for one in chosen for event in one.events}
    return Bundle(tuple(records), tuple(_event(one) for one in sorted(events.values(), key=lambda one: one.at)))


def _person(record: PersonRecord) -> Fields:
    return {
        "address": record.address_key,
        "address_as_typed": record.address,
        "name": record.name or None,
        "account": record.account,
    }


def _fields(record: PersonRecord, one: SubscriptionRecord, max_age: timedelta) -> Fields:
    added, confirmed = _last(one.events, "requested") or _last(one.events, "added"), _last(one.events, "confirmed")
    no = one.no
    status = no.reason.value if no else one.status.value
    return (
        _person(record)
        | {"list": one.list_name, "basis": _basis(one), "status": status, "refused_rule": one.refused_rule or None}
        | _request(one, added, confirmed)
        | _confirmation(one, confirmed)
        | _provenance(one)
        | {"last_renewed_at": _iso(one.last_contact_at), "expires_at": _iso(_expiry(one, max_age))}
        | _withdrawal(no, one.events)
        | {"recorded_by": one.recorded_by or None, "prev_hash": _prev_hash(one)}
    )


def _basis(one: SubscriptionRecord) -> str:
    if one.confirmed_at is not None:
        return "express double opt-in"
    return one.basis or ("express single opt-in" if one.consented_at else "none")


def _request(one: SubscriptionRecord, added: ConsentEvent | None, confirmed: ConsentEvent | None) -> Fields:
    return {
        "requested_at": _iso(added.at if added else one.created_at),
        "request_ip": _detail(added, "ip") or one.consent_ip or None,
        "user_agent": _detail(added, "agent"),
        "form_url": _detail(added, "form_url"),
        "wording": _detail(confirmed, "wording") or _detail(added, "wording"),
        "wording_hash": _detail(confirmed, "wording_hash") or _detail(added, "wording_hash"),
        "language": _detail(confirmed, "language") or _detail(added, "language"),
        "privacy_notice_version": _detail(confirmed, "privacy_notice"),
        "claimed_collection_date": _iso(one.consented_at),
    }


def _confirmation(one: SubscriptionRecord, confirmed: ConsentEvent | None) -> Fields:
    return {
        "confirm_message_id": _detail(confirmed, "message_id"),
        "confirmed_at": _iso(one.confirmed_at),
        "confirm_ip": _detail(confirmed, "ip"),
        "confirm_agent": _detail(confirmed, "agent"),
        "method": _detail(confirmed, "method") or ("import" if one.batch_id else "added by hand"),
    }


def _provenance(one: SubscriptionRecord) -> Fields:
    batch = one.batch
    return {
        "source": one.source or None,
        "import_id": one.batch_id or None,
        "importer": batch.importer if batch else None,
        "import_file_hash": batch.file_hash if batch else None,
        "claimed_status": one.claimed_status or None,
    }


def _withdrawal(no: No | None, events: tuple[ConsentEvent, ...]) -> Fields:
    said = _last(events, "withdrawn") if no else None
    return {
        "withdrawn_at": _iso(no.at) if no else None,
        "withdraw_method": no.way if no else None,
        "withdraw_ip": _detail(said, "ip"),
        "withdraw_token": _detail(said, "token"),
    }


def _expiry(one: SubscriptionRecord, max_age: timedelta) -> datetime | None:
    """Clause 3.4: the clock runs from the last of permission, confirmation and contact."""
    signs = [at for at in (one.consented_at, one.confirmed_at, one.last_contact_at) if at is not None]
    return max(signs) + max_age if signs else None


def _prev_hash(one: SubscriptionRecord) -> Field:
    return one.events[-1].detail.get("prev_hash") or None if one.events else None


def _last(events: tuple[ConsentEvent, ...], name: str) -> ConsentEvent | None:
    return next((one for one in reversed(events) if one.event == name), None)


def _detail(event: ConsentEvent | None, name: str) -> Field:
    return event.detail.get(name) if event else None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _event(event: ConsentEvent) -> Fields:
    return {"at": event.at.isoformat(), "event": event.event, "ref": event.ref, **event.detail}
