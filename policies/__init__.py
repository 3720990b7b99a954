"""The policy: pure rules over facts. No await, clock, logging or I/O (STYLE.md §1)."""
