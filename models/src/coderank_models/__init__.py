"""Weights of the models that come with coderank, with their cards. Data alone: `coderank.models.bundled` reads it."""

__version__ = "0.1.0"
