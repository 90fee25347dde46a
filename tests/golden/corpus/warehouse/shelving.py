"""Where goods stand in the warehouse."""

from dataclasses import dataclass


@dataclass
class Shelf:
    """A shelf that carries a limited weight."""

    name: str
    limit_kg: float
    load_kg: float = 0.0

    def put(self, parcel):
        """Put a parcel on the shelf; a shelf that would break refuses it."""
        if self.load_kg + parcel.weight_kg > self.limit_kg:
            raise OverloadedShelf(self.name, parcel)
        self.load_kg += parcel.weight_kg


class OverloadedShelf(Exception):
    """Raised instead of breaking a shelf."""


def nearest_free_shelf(shelves, parcel, dock):
    """Choose the shelf closest to the dock that still can carry the parcel."""
    able = [shelf for shelf in shelves if shelf.load_kg + parcel.weight_kg <= shelf.limit_kg]
    return min(able, key=lambda shelf: abs(shelf.position - dock.position), default=None)
