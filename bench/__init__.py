"""Speed as ratios in one run: the relay beside Postfix's before-queue proxy (docs/performance.md)."""
