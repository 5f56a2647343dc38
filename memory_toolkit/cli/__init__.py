"""The commands run, watch and check."""
