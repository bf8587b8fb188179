"""Stock: one order-free ledger per group, its figures and how fast each pool drains."""

from operators.stock.ledger import StockLedger
from operators.stock.model import StockSettings, pool_of

__all__ = ["StockLedger", "StockSettings", "pool_of"]
