"""Architectures, pretrained weights and the bundle in which a model is stored."""
