"""Order candidates once more with a larger model: by list with a language model, or by pair with a cross-encoder."""
