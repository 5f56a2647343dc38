"""Descriptions turned into vectors and stored in SQLite, within 512 MB."""
