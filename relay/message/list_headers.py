"""List-Unsubscribe, List-Id, Feedback-ID and the complaint address of each copy (RFC 2369, 2919, 8058, 9477)."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache

from relay.message.header_fields import HeaderFault, header_field
from relay.message.recipe import CopyRecipe, Recipe

MANAGED = frozenset(
    {
        "list-unsubscribe",
        "list-unsubscribe-post",
        "list-id",
        "feedback-id",
        "cfbl-address",
        "cfbl-feedback-id",
    }
)
"""What a customer wrote here goes: receivers act on the first they find (STANDARDS.md §4.2)."""

_URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+;=%-]+\Z")
"""RFC 3986 characters without the comma, which parts two URIs of the field (RFC 2369 §2)."""
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LONGEST = 900
"""Octets of a URI: with its brackets it has a line of its own."""
_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
_NOT_IN_FEEDBACK = re.compile(r"[^A-Za-z0-9._-]+")


def shared(recipe: Recipe) -> list[tuple[str, bytes]]:
    """The managed fields that are the same in every copy, as (lower-case name, octets)."""
    fields: list[tuple[str, bytes]] = []
    if recipe.list_headers:
        phrase = recipe.list_phrase or recipe.list_name or recipe.account_name
        fields.append(("list-unsubscribe-post", _ONE_CLICK))
        fields.append(("list-id", _list_id(phrase, recipe.list_id_domain)))
        fields.append(("feedback-id", header_field("Feedback-ID", _feedback_id(recipe))))
    if recipe.feedback_loop:
        fields.append(("cfbl-address", header_field("CFBL-Address", f"fbl@{recipe.mail_domain}; report=arf")))
    return fields


def varying_names(recipe: Recipe) -> list[str]:
    """The managed fields `of_copy` will write."""
    return ["list-unsubscribe"] * recipe.list_headers + ["cfbl-feedback-id"] * recipe.feedback_loop


def of_copy(recipe: Recipe, copy: CopyRecipe) -> dict[str, bytes]:
    """The managed fields of one copy by lower-case name."""
    fields: dict[str, bytes] = {}
    if recipe.list_headers:
        # RFC 2369 §2: white space only between the URIs, so the field is folded at its comma.
        page, mailto = _bracketed(copy.opt_out_url), _bracketed(copy.opt_out_mailto)
        fields["list-unsubscribe"] = f"List-Unsubscribe: {page},\r\n {mailto}\r\n".encode("ascii")
    if recipe.feedback_loop:
        fields["cfbl-feedback-id"] = header_field("CFBL-Feedback-ID", copy.feedback_id)
    return fields


def is_uri(text: str) -> bool:
    """Whether the text has only characters a URI may have here."""
    return _URI.match(text) is not None


def _bracketed(uri: str) -> str:
    if not is_uri(uri) or len(uri) > _LONGEST:
        raise HeaderFault("an opt-out URI too long, or with characters that none has")
    return f"<{uri}>"


@lru_cache(maxsize=1024)
def _list_id(phrase: str, domain: str) -> bytes:
    return header_field("List-Id", f"{_phrase(phrase)} <{domain}>")


def _phrase(text: str) -> str:
    """The words before the identifier (RFC 2919 §3): atoms as they are, else quoted or encoded."""
    if _ATOMS.fullmatch(text):
        return text
    if text.isascii():
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    pieces = [text[at : at + 10].encode() for at in range(0, len(text), 10)]
    return " ".join([f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in pieces])


def _feedback_id(recipe: Recipe) -> str:
    """CAMPAIGN:LIST:ACCOUNT:PLATFORM: Gmail counts complaints by each of them; the last has 5 to 15 characters."""
    tail = _feedback_tail(recipe.list_name or "all", recipe.account_name, recipe.platform_name)
    return f"{_feedback_part(recipe.campaign) if recipe.campaign else recipe.ref}:{tail}"


@lru_cache(maxsize=1024)
def _feedback_tail(list_name: str, account_name: str, platform_name: str) -> str:
    platform = _plain(platform_name)[:15].strip("-")
    sender = platform if len(platform) >= 5 else f"{platform or 'relay'}-mail"
    return f"{_feedback_part(list_name)}:{_feedback_part(account_name)}:{sender}"


def _feedback_part(text: str) -> str:
    return _plain(text)[:64] or "none"


def _plain(text: str) -> str:
    return _NOT_IN_FEEDBACK.sub("-", text).strip("-")
