"""What a DSN says to people, in English and, where the platform speaks it, in Indonesian first."""

from __future__ import annotations

from collections.abc import Sequence

from policies.verdict import clean
from relay.ports import CopyState, SpooledCopy, SpooledMessage

_ENGLISH = """\
This is the mail system at {host}.

Your message of {date} could not be delivered to the recipients below.
It was accepted first, so this report is the only notice you get.
{recipients}
Reference: {ref}
"""

_ENGLISH_SENT = """\
This is the mail system at {host}.

Your message of {date} was passed on to the mail server responsible for the
recipients below. No further report will follow unless it cannot be delivered.
{recipients}
Reference: {ref}
"""

_INDONESIAN = """\
Ini adalah sistem surat di {host}.

Pesan Anda tanggal {date} tidak dapat dikirimkan kepada penerima di bawah ini.
Pesan itu semula diterima, jadi laporan ini satu-satunya pemberitahuan untuk Anda.
{recipients}
Referensi: {ref}

----

"""

_INDONESIAN_SENT = """\
Ini adalah sistem surat di {host}.

Pesan Anda tanggal {date} sudah diteruskan ke server surat untuk penerima di
bawah ini. Laporan lain hanya menyusul bila pesan tidak dapat dikirimkan.
{recipients}
Referensi: {ref}

----

"""


def subject(copies: Sequence[SpooledCopy]) -> str:
    """All copies of one report share their fate."""
    return "Mail passed on" if copies[0].state is CopyState.SENT else "Undelivered mail returned to sender"


def report_text(language: str, host: str, message: SpooledMessage, copies: Sequence[SpooledCopy]) -> str:
    """The first part of a DSN: ASCII, short lines."""
    recipients = "".join(f"\n<{clean(copy.recipient)}>\n    {_reason(copy)}\n" for copy in copies)
    english, indonesian = _ENGLISH, _INDONESIAN
    if copies[0].state is CopyState.SENT:
        english, indonesian = _ENGLISH_SENT, _INDONESIAN_SENT
    text = (indonesian if language == "id" else "") + english
    return text.format(
        host=host, date=f"{message.received_at:%d %b %Y %H:%M UTC}", recipients=recipients, ref=message.ref
    )


def _reason(copy: SpooledCopy) -> str:
    said = clean(copy.reply, 400)
    if copy.state is CopyState.FAILED and copy.code and copy.smarthost:
        return f"{clean(copy.smarthost)} said: {copy.code} {said}"
    return said
