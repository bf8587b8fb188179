"""Try rule files on recorded sessions: what would have fired, and was it right?"""

from stream.backtest.command import backtest

__all__ = ["backtest"]
