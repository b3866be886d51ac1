"""The `fundstelle` command."""
