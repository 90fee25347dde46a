"""Named collections as data: what a user's file says of them."""
