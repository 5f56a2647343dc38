"""Search by tag and by meaning, in four processes, within 512 MB."""
