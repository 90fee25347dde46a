"""Answers programs: what a server may search, kept open and up to date, and shown to agents within their budget."""
