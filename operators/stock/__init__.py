"""Stock: one order-free ledger per group, its figures and how fast each pool drains."""

from operators.stock.ledger import STOCK_TYPES, StockLedger
from operators.stock.model import StockSettings, pool_of

__all__ = ["STOCK_TYPES", "StockLedger", "StockSettings", "pool_of"]
