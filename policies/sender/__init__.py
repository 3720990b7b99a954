"""Rules about who sends, judged at AUTH and MAIL."""
