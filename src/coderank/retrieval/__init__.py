"""From a query to ranked candidates. Reads only."""
