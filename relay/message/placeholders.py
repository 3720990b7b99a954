"""The opt-out placeholders of nine mailing programs, and the one for the postal address (INTERFACE.md §3)."""

from __future__ import annotations

import re

OPT_OUT = (
    "{{unsubscribe_url}}",
    "%unsubscribe_url%",
    "*|UNSUB|*",
    "<%asm_group_unsubscribe_raw_url%>",
    "{{{pm:unsubscribe}}}",
    "{{amazonSESUnsubscribeUrl}}",
    "{{ UnsubscribeURL }}",
    "[unsubscribe]",
)
"""Replaced by the recipient's own opt-out URL."""
POSTAL_ADDRESS = "{{postal_address}}"
"""Replaced by the registered address."""


def _pattern(text: str) -> str:
    """White space inside the braces is as people happen to type it."""
    if not text.startswith("{{"):
        return re.escape(text)
    inner = text.strip("{}").strip()
    braces = "{" * (len(text) - len(text.lstrip("{")))
    return rf"{re.escape(braces)}\s?{re.escape(inner)}\s?{re.escape(braces.replace('{', '}'))}"


_ESCAPED = {"<%asm_group_unsubscribe_raw_url%>": "&lt;%asm_group_unsubscribe_raw_url%&gt;"}
OPT_OUT_PATTERN = re.compile("|".join([_pattern(one) for one in (*OPT_OUT, *_ESCAPED.values())]), re.IGNORECASE)
POSTAL_ADDRESS_PATTERN = re.compile(_pattern(POSTAL_ADDRESS), re.IGNORECASE)


def is_placeholder(text: str) -> bool:
    """Whether the text is one placeholder and nothing else."""
    found = OPT_OUT_PATTERN.fullmatch(text.strip()) or POSTAL_ADDRESS_PATTERN.fullmatch(text.strip())
    return found is not None
