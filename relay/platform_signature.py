"""The platform's own DKIM signature on mail the relay writes itself (INTERFACE.md §3)."""

from __future__ import annotations

from collections.abc import Callable

from config.schema import Settings
from relay.adapters.dkim_keys import KeyDirectory
from relay.message.dkim import sign_own
from relay.ports import Clock

Sign = Callable[[bytes], bytes]


def platform_signature(settings: Settings, keys: KeyDirectory, clock: Clock) -> Sign:
    """Signs d=mail_domain, where [dkim] platform_signature is on and the key is there."""
    domain, wanted = settings.platform.mail_domain, settings.dkim.platform_signature

    def sign(raw: bytes) -> bytes:
        signer = keys.for_author(domain) if wanted else None
        return sign_own(raw, keys, *signer, int(clock.now().timestamp())) if signer else raw

    return sign
