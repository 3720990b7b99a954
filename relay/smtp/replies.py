"""Replies of the SMTP protocol itself; those of policy come from the stages. Codes: RELIABILITY.md §B, RFC 3463."""

from __future__ import annotations

from policies.verdict import MAX_REPLY, Reply

OK = Reply(250, "2.0.0", "ok")
BYE = Reply(221, "2.0.0", "goodbye")
NOT_VERIFIED = Reply(252, "2.0.0", "not verified; send mail and see")
GO_TLS = Reply(220, "2.0.0", "ready to start TLS")
GO_AHEAD = Reply(354, "", "end data with <CR><LF>.<CR><LF>")

UNKNOWN = Reply(500, "5.5.1", "command not recognised")
EMPTY_LINE = Reply(500, "5.5.2", "empty command")
LINE_TOO_LONG = Reply(500, "5.5.2", "command line too long")
NOT_CRLF = Reply(500, "5.5.2", "commands end in CR LF", close=True)
CONTROL_CHARACTER = Reply(501, "5.5.2", "control characters are not allowed in commands")
NO_ARGUMENT = Reply(501, "5.5.4", "this command takes no argument")
NEEDS_ARGUMENT = Reply(501, "5.5.4", "argument missing")
BAD_HELLO = Reply(501, "5.5.4", "a host name or an address literal is needed")
NO_EXPN = Reply(502, "5.5.1", "EXPN is not offered")
NO_BDAT = Reply(502, "5.5.1", "CHUNKING is not offered", close=True)
NO_STARTTLS = Reply(502, "5.5.1", "STARTTLS is not offered here")
NO_AUTH = Reply(502, "5.5.1", "AUTH is not offered here")
HELLO_FIRST = Reply(503, "5.5.1", "send EHLO first")
MAIL_TWICE = Reply(503, "5.5.1", "a transaction is open already")
MAIL_FIRST = Reply(503, "5.5.1", "send MAIL first")
TLS_TWICE = Reply(503, "5.5.1", "TLS is active already")
AUTH_TWICE = Reply(503, "5.5.1", "authenticated already")
AUTH_IN_MAIL = Reply(503, "5.5.1", "AUTH is not allowed during a transaction")
NO_RECIPIENTS = Reply(554, "5.5.1", "no valid recipients")
TLS_FIRST = Reply(530, "5.7.0", "issue STARTTLS first")
AUTH_FIRST = Reply(530, "5.7.0", "authentication required")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "encryption is required for authentication")
AUTH_UNKNOWN = Reply(504, "5.5.4", "authentication mechanism not offered")
AUTH_CANCELLED = Reply(501, "5.7.0", "authentication cancelled")
AUTH_NOT_BASE64 = Reply(501, "5.5.2", "the response is not base64")
AUTH_NOT_PLAIN = Reply(501, "5.5.2", "the response is not authzid NUL authcid NUL password")
AUTH_TOO_LONG = Reply(500, "5.5.6", "authentication exchange line too long")
AUTH_EXHAUSTED = Reply(421, "4.7.0", "too many failed logins", close=True)

TALKS_EARLY = Reply(554, "5.5.0", "you spoke before the greeting", close=True)
TALKS_BEHIND_STARTTLS = Reply(554, "5.5.0", "nothing may follow STARTTLS before the handshake", close=True)
TALKS_BEHIND_DATA = Reply(554, "5.5.0", "nothing may follow DATA before its reply", close=True)
NOT_HTTP = Reply(421, "4.7.0", "this is a mail server", close=True)
TOO_MANY_ERRORS = Reply(421, "4.7.0", "too many errors", close=True)
NOT_TRUSTED = Reply(554, "5.7.1", "your address is not in the trusted networks", close=True)
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "too many connections", close=True)
TOO_MANY_FROM_ADDRESS = Reply(421, "4.7.0", "too many connections from your address", close=True)
NO_DESCRIPTORS = Reply(421, "4.3.2", "out of resources, try again later", close=True)
SHUTTING_DOWN = Reply(421, "4.3.2", "shutting down", close=True)
TIMED_OUT = Reply(421, "4.4.2", "timed out waiting for you", close=True)
TRANSACTION_TIMED_OUT = Reply(421, "4.4.2", "the transaction took too long", close=True)
DATA_TOO_SLOW = Reply(421, "4.4.2", "the message arrives too slowly", close=True)
OUT_OF_STORAGE = Reply(452, "4.3.1", "insufficient system storage, try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "too many recipients, send the rest in another transaction")
INTERNAL = Reply(451, "4.3.0", "internal: try again later", close=True)
"""Only where even the stages could not give a reply with a REF."""


def wire(reply: Reply) -> bytes:
    """The reply line as it goes out, exactly what `str(reply)` says, CRLF included."""
    text = f"{reply.code} {reply.enhanced} {reply.text}" if reply.enhanced else f"{reply.code} {reply.text}"
    if text.isascii() and text.isprintable() and len(text) <= MAX_REPLY and "  " not in text and text[-1] != " ":
        # What `clean` would leave as it is, at a sixth of its cost.
        return text.encode("ascii") + b"\r\n"
    return str(reply).encode("ascii") + b"\r\n"
