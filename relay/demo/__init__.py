"""`relay demo`: the real relay on data of its own, shown at work."""
