"""Keep the index of a tree up to date: incremental, resumable, safe for many processes."""
