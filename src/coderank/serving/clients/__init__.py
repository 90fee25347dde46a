"""How an agent's program learns of the server: one entry in its own configuration file, written and taken out again."""
