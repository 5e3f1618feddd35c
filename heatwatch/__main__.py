"""`python -m heatwatch`."""

from heatwatch.cli import main

main()
