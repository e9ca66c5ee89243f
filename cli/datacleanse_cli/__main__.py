"""`python -m datacleanse_cli`."""

from datacleanse_cli.app import main

main()
