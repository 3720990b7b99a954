"""Reading and rewriting: bytes in, bytes out."""
