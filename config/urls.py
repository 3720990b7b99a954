"""What smarthost, store and public URLs must look like; each check answers in words, empty when all is well.

No answer quotes the URL: it may hold a password.
"""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

from config.endpoint import is_address, is_loopback, is_name
from config.paths import MAILDIR, SQLITE

ESCAPES = "; in a password write /, ?, #, @, [ and ] as %2F, %3F, %23, %40, %5B and %5D"
UNREADABLE = f"cannot be read as a URL{ESCAPES}"
SMARTHOST_SCHEMES = ("smtp", "smtps", "smtp+starttls")


def smarthost_fault(url: str) -> str:
    """smtp://, smtps:// or smtp+starttls://[user:password@]host:port, or maildir:PATH."""
    if url.startswith(MAILDIR):
        return "" if len(url) > len(MAILDIR) else "must name a folder: maildir:PATH"
    parts = _split(url)
    if parts is None:
        return UNREADABLE
    if parts.scheme not in SMARTHOST_SCHEMES:
        return "must begin with smtp://, smtps://, smtp+starttls:// or maildir:"
    if not _is_host(parts.hostname) or not parts.port or parts.path or parts.query or parts.fragment:
        return f"must be {parts.scheme}://[user:password@]host:port{ESCAPES}"
    if "@" in parts.netloc and not (parts.username and parts.password):
        return "must give a user and a password, or neither"
    return ""


def store_fault(url: str) -> str:
    """sqlite:///PATH, postgresql://user:password@host/db, or postgresql:///db?host=/FOLDER for the socket in it."""
    if url.startswith("sqlite:"):
        path = url.removeprefix(SQLITE)
        if not url.startswith(SQLITE) or not path or path == ":memory:" or set(path) & set("?#"):
            return "must be sqlite:///PATH, a file (sqlite:////PATH for an absolute one)"
        return ""
    parts = _split(url)
    if parts is None:
        return UNREADABLE
    if parts.scheme != "postgresql":
        return "must begin with sqlite:/// or postgresql://"
    if not (_is_host(parts.hostname) or _is_socket(parts)) or not parts.path.strip("/") or parts.fragment:
        return f"must be postgresql://user:password@host/db{ESCAPES}"
    return ""


def public_fault(url: str) -> str:
    """Base of every link in mail: https, or http on loopback."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not url.isascii():
        return "must begin with https:// (http:// on loopback only)"
    if not _is_host(parts.hostname) or "@" in parts.netloc:
        return "must be https://HOST, with a path where the relay sits under one"
    if parts.query or parts.fragment or any(c in url for c in " <>\"'\\"):
        return "must be a plain base without query, fragment, spaces or quotes"
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must be https: plain http is allowed on loopback only"
    return ""


def contact_fault(url: str) -> str:
    """Where people ask about a refusal."""
    parts = _split(url)
    if parts is not None and url.isascii() and " " not in url:
        local, _, domain = parts.path.rpartition("@")
        if parts.scheme == "mailto" and local and is_name(domain):
            return ""
        if parts.scheme == "https" and parts.hostname:
            return ""
    return "must be mailto:NAME@DOMAIN or an https:// page"


def _split(url: str) -> SplitResult | None:
    """None where there is no reading it: a broken IPv6 address, a port that is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_socket(parts: SplitResult) -> bool:
    """No host but a folder: the server on this machine, by its socket."""
    return not parts.hostname and parse_qs(parts.query).get("host", [""])[0].startswith("/")


def _is_host(host: str | None) -> bool:
    """An address or a name; names inside private networks may hold underscores."""
    return host is not None and (is_address(host) or is_name(host.replace("_", "x")))
