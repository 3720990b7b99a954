"""Mail to us: opt-out requests, reports, bounces."""
