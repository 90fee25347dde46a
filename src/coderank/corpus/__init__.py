"""From a tree of files to chunks."""
