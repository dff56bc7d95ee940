"""Answers questions from an index of privacy policies. Light to import: no torch, chromadb or gradio until used."""
