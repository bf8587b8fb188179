"""The parts of the engine beside its figures. Each can be left out by who does not look at it."""

from typing import Final

BOARDS: Final = "boards"
TERMS: Final = "terms"
STOCK: Final = "stock"
ALERTS: Final = "alerts"

PARTS: Final[dict[str, str]] = {
    BOARDS: "leaderboards of products, rooms and hosts",
    TERMS: "boards of comment terms, keywords and pairs of products",
    STOCK: "stock pools and their rows",
    ALERTS: "the judging of alert rules",
}
"""Name to what it gives. Figures are chosen by the catalogue, not here."""
