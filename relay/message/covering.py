"""What one element does to others: a box that may lie over the footer, or a layout shown in another order."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from relay.message.selectors import Box
from relay.message.visibility import ALL, Looks

_TRACES = (
    (b"position", re.compile(rb"position\s*:\s*(?:absolute|fixed|sticky)|position\s*:\s*relative[^\"}]*-\d")),
    (b"-reverse", re.compile(rb"-reverse")),
    (b"order", re.compile(rb"order(?<![\w-]order)\s*:")),
    (b"grid-", re.compile(rb"grid-(?:row|area)")),
    (b"table-header-group", re.compile(rb"table-header-group")),
    (b"margin", re.compile(rb"margin[\w-]*\s*:[^;\"}]*-\d\d")),
    (b"\\", re.compile(rb"[:;{\s]\w*\\")),
)
"""Octets of HTML in lower case without which nothing of the kind is there; an escape may spell any of it.

Each with the octets it has for certain, which are looked for first: most documents have none of the rare ones.
"""


def may_disturb(lower: bytes) -> bool:
    """A cheap look at a whole document."""
    return any(word in lower and trace.search(lower) is not None for word, trace in _TRACES)


def is_disturbed(root: LexborNode, looks: Looks) -> bool:
    """Whether some element of the document may cover others or change the order in which they are shown."""
    waiting: list[tuple[LexborNode, Box | None]] = [(root, None)]
    while waiting:
        node, parent = waiting.pop()
        box = Box.of(node.tag or "", node.attributes, parent)
        look = looks.look(box)
        if look.gone:
            continue
        if look.disturbs or (looks.sheet and looks.look(box, ALL).disturbs):
            return True
        child = node.child
        while child is not None:
            if child.is_element_node:
                waiting.append((child, box))
            child = child.next
    return False
