/** The one table of tile kinds. */

import { alertList, alertTicker } from "./tile_alerts.js";
import { board } from "./tile_board.js";
import { conversion, heat, trend } from "./tile_charts.js";
import { cards } from "./tile_cards.js";
import { lines } from "./tile_lines.js";
import { explained } from "./tile_explained.js";
import { funnel, split, terms } from "./tile_bars.js";
import { all, hero, metric } from "./tile_metric.js";
import { splits } from "./tile_splits.js";
import { stock } from "./tile_stock.js";

export const KINDS = {
  all, board, cards, conversion, explained, funnel, heat, hero, lines, metric, split, splits, stock, terms, trend,
  alerts: alertList,
  ticker: alertTicker,
};
