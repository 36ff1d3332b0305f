"""Allocation by the method of the largest remainder, in plain Python."""

import math
from fractions import Fraction
from typing import Any

#: The values of a group.
Group = tuple[Any, ...]


def divided(n: int, rows: dict[Group, int], weights: dict[Group, Fraction]) -> dict[Group, int]:
    """Return rows of each group: fill those that overflow, divide the rest again, round."""
    amounts: dict[Group, int] = {group: 0 for group in rows if weights.get(group, 0) == 0}
    while True:
        open_ = [group for group in rows if group not in amounts]
        left, weight = n - sum(amounts.values()), sum(weights[group] for group in open_)
        quotas = {group: left * weights[group] / weight for group in open_}
        full = [group for group in open_ if quotas[group] >= rows[group]]
        if full:
            amounts |= {group: rows[group] for group in full}
            continue
        floors = {group: math.floor(quotas[group]) for group in open_}
        order = sorted(open_, key=lambda group: floors[group] - quotas[group])
        for group in order[: left - sum(floors.values())]:
            floors[group] += 1
        return amounts | floors
