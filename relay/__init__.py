"""The relay around the policy: SMTP in, rewriting, forwarding, journal, store and command line."""

__version__ = "0.1.0"
