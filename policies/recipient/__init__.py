"""Rules about one recipient, judged at RCPT."""
