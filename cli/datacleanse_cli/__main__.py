"""`python -m datacleanse_cli`."""

from datacleanse_cli.entry import main

main()
