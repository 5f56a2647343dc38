"""Training: from rating and movie files to a bundle."""
