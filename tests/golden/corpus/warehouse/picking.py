"""The order in which a picker walks along the shelves."""


def walking_order(picks):
    """Sort picks in a snake: every second aisle is walked backwards, so that no aisle is walked twice."""
    aisles = {}
    for pick in picks:
        aisles.setdefault(pick.aisle, []).append(pick)
    route = []
    for turn, aisle in enumerate(sorted(aisles)):
        route += sorted(aisles[aisle], key=lambda pick: pick.bay, reverse=turn % 2 == 1)
    return route


def split_by_capacity(picks, capacity_kg):
    """Fill one trolley after the other, none beyond what it can carry."""
    trolleys, load = [[]], 0.0
    for pick in picks:
        if load + pick.weight_kg > capacity_kg:
            trolleys.append([])
            load = 0.0
        trolleys[-1].append(pick)
        load += pick.weight_kg
    return trolleys
