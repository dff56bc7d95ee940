"""Fills the index: reads, screens, cuts and encodes policies."""
