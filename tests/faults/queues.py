"""Settings of relays under test: how fast the queue comes back, and whether it tells anybody else."""

SLOW_QUEUE = """[delivery]
inline_deadline = 2
connect_timeout = 1
retry_first = 3600
in_doubt_after = 3600
"""
"""Quick answers; the queue comes back when a test lets time pass."""
QUICK_QUEUE = """[delivery]
inline_deadline = 2
connect_timeout = 1
retry_first = 0.3
retry_max = 1
in_doubt_after = 0.5
in_doubt_tries = 10
"""

NO_NOTICES = """
[notices]
refusals = "off"
"""
"""The smarthost gets what clients send, and reports; mail to owners has tests of its own."""
