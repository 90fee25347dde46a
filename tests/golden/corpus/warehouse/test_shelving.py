from warehouse.shelving import OverloadedShelf, Shelf


def test_a_shelf_refuses_what_would_break_it(parcel):
    shelf = Shelf("A1", limit_kg=10)
    try:
        shelf.put(parcel(weight_kg=11))
    except OverloadedShelf:
        return
    raise AssertionError("an overloaded shelf took the parcel")
