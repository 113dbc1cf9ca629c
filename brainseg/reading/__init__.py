"""Reader studies: people answer before they see a model's answer, a log keeps who saw what, and both are compared."""
