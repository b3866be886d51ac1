"""The `fundstelle` command."""


def main() -> None:
    """Run the command line; imports wait until here so that `import fundstelle.cli` costs nothing."""
    from fundstelle.cli.commands import app

    app()
