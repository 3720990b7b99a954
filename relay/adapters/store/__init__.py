"""The store: SQLAlchemy Core for what is rare, direct statements and one writer thread for every message."""
