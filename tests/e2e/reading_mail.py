"""What a person finds in a mailbox, and what their browser or mail program does with it."""

from __future__ import annotations

import email
import email.policy
import re
import time
import urllib.parse
import urllib.request
from email.message import EmailMessage

from running import Running

ONE_CLICK = b"List-Unsubscribe=One-Click"


def mailbox(relay: Running, address: str, wanted: int = 1, seconds: float = 20.0) -> list[EmailMessage]:
    """Everything in the outbox that went to an address, oldest first, once there is so much."""
    deadline = time.monotonic() + seconds
    while True:
        found = [one for one in map(parsed, relay.delivered(0)) if str(one["Delivered-To"]) == address]
        if len(found) >= wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def parsed(octets: bytes) -> EmailMessage:
    """A message as Python reads it."""
    return email.message_from_bytes(octets, policy=email.policy.default)  # type: ignore[return-value]


def link_in(mail: EmailMessage, kind: str) -> str:
    """The first link of ours of this kind in the text part: /c/…, /me/…."""
    part = mail.get_body(("plain",))
    assert part is not None
    found = re.search(rf"https?://\S+/{kind}/\S+", part.get_content())
    assert found is not None, part.get_content()
    return found[0]


def path_of(url: str) -> str:
    """Path and query, as seen by the relay's own port."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def opt_out_of(mail: EmailMessage) -> tuple[str, str]:
    """(https link, mailto address) of List-Unsubscribe."""
    found = re.fullmatch(r"<(https?://[^>]+)>, <mailto:([^>]+)>", str(mail["List-Unsubscribe"]))
    assert found is not None
    return found[1], found[2].partition("?")[0]


def form(**fields: str) -> bytes:
    return urllib.parse.urlencode(fields).encode()


def sign_up(relay: Running, path: str, address: str) -> tuple[int, str]:
    """Fill the form as a person does who takes their time."""
    _, page = relay.http(path)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    time.sleep(2.1)
    return relay.http(path, form(email=address, subject="", **hidden))


def gmail_posts(relay: Running, url: str) -> tuple[int, str, str | None]:
    """One click as Gmail sends it: no cookie, no referrer, nothing but the pair; (status, body, cookie)."""
    request = urllib.request.Request(f"http://127.0.0.1:{relay.web}{path_of(url)}", ONE_CLICK)
    request.add_header("Content-Type", "application/x-www-form-urlencoded")
    request.add_header("User-Agent", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com)")
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=20) as answer:
        return answer.status, answer.read().decode(), answer.headers["Set-Cookie"]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None
