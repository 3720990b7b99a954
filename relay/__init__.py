"""The relay around the policy: SMTP in, rewriting, forwarding, journal, store and command line."""

from relay.adapters import sqlite_binding as sqlite_binding  # first: before anything imports sqlite3

__version__ = "0.1.0"
