"""Measurements behind the project's claims: one command each, results committed with commit and machine."""
