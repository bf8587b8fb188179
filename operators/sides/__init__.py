"""What feeds say beside viewers' events: platform gauges, targets, unit costs, who buys again."""

from operators.sides.sides import GAUGES, Sides

__all__ = ["GAUGES", "Sides"]
