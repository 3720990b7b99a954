"""The store: SQLAlchemy Core for what is rare, direct statements and one writer thread for every message."""

import relay.adapters.sqlite_binding  # noqa: F401  (before any driver: one SQLite library in this process)
