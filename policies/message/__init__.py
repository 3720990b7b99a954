"""Rules about a whole message, judged at the end of DATA."""
