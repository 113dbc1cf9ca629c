"""The dashboard's pages, over the same functions as the command line."""
