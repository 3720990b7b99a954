"""Standing changed by people and system, with history."""
