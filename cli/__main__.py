"""`python -m fundstelle.cli`: the command where a launcher such as torchrun takes modules."""

from fundstelle.cli import main

main()
