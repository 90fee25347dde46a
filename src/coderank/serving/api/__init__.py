"""The JSON API for programs that do not speak MCP: search, related code, and how the indexes stand."""
