"""The outside world behind ports: store, smarthost, DNS, clock."""
