"""From a model of the catalogue to an embedder that runs: weights found, back end and precision chosen."""
