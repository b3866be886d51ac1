"""Retrieve, read, merge: a question in, quoted answers out."""
