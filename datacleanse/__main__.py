"""`python -m datacleanse`: the command line lives in its own package."""

from importlib import import_module

# By name, because the engine must not depend on the command line (import contract).
import_module("datacleanse_cli.entry").main()
