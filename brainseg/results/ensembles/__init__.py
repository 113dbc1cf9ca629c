"""Ensembles: runs that join the models of other runs, evaluated on images from which no member learned."""
