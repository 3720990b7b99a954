"""SMTP in: aiosmtpd, made fast and complete."""
