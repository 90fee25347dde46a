"""Moving a collection from one model to another, while it goes on being searched and written."""
