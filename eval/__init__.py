"""Measures answers against annotated questions."""
