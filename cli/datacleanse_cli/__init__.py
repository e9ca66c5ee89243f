"""The command line of datacleanse."""
