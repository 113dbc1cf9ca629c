"""The command line: the same functions as the pages, one module per group of commands."""
