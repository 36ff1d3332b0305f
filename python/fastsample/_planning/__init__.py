"""How long training takes, and what would make it shorter."""
