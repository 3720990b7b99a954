"""Public pages and health over HTTP."""
