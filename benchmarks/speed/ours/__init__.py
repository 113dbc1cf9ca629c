"""The same work with brainseg's public functions. These modules also run with the reference build."""
