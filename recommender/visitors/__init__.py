"""The visitors' own ratings and the stores that keep them."""
