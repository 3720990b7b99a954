"""Rules at the door of a list: what a file may claim, and what is made of it."""
