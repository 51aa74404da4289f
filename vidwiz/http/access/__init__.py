"""Who may ask: sessions, tokens, passwords, and guesses at them."""
