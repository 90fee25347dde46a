"""Wires migrations, as the engine wires an index: which models, which points, and where the journal is."""
