/**
 * Which tiles a page shows: data. A tile whose metric or board the catalogue lacks is left out,
 * so that one table serves every version of the catalogue.
 */

const HERO = { kind: "hero", metric: "gmv_paid", area: "hero", side: ["gmv_net", "refund_amount"], metrics: ["gmv_paid", "gmv_net", "refund_amount"] };
const figureTile = (metric, more = {}) => ({ kind: "metric", metric, ...more });
const figures = (names, more) => names.map((name) => figureTile(name, more));
const board = (name, role, more = {}) => ({ kind: "board", board: name, role, unit: "minor", metric: undefined, metrics: ["gmv_paid"], ...more });

const KPI = ["online_now", "view_uv", "orders_paid", "cvr_view", "cvr_click", "aov_order"];

export const SCREENS = {
  room: {
    layout: "screen-room",
    tiles: [
      HERO,
      ...figures(KPI, { area: "kpi" }),
      { kind: "trend", area: "trend" },
      { kind: "funnel", area: "funnel" },
      board("products_gmv", "product", { title: "tile_products", area: "products", own: true, limit: 8 }),
      board("hosts_gmv", "host", { title: "tile_hosts", area: "side", limit: 3 }),
      board("rooms_gmv", "room", { title: "tile_rooms", area: "side", limit: 3 }),
      { kind: "conversion", area: "conversion" },
      { kind: "heat", area: "heat" },
      { kind: "split", title: "tile_channels", dimension: "channel", share: ["view_uv", "view_pv"], second: "pay_uv", area: "channels", limit: 6 },
      { kind: "stock", compact: true, area: "stock", limit: 6 },
      { kind: "terms", area: "terms", limit: 18 },
      { kind: "lines", board: "keywords", compact: ["value", "paid_minor"], area: "talk", limit: 4 },
      { kind: "lines", board: "pairs", compact: ["value"], area: "talk", limit: 4 },
      { kind: "ticker", title: "tile_alerts", area: "ticker", limit: 3 },
    ],
  },
  cockpit: {
    layout: "screen-cockpit",
    tiles: [
      HERO,
      ...figures(["online_now", "orders_paid", "units_paid", "aov_order", "refund_rate"], { area: "kpi" }),
      { kind: "cards", area: "cards" },
      board("rooms_gmv", "room", { title: "tile_rooms", area: "rooms", limit: 6 }),
      board("products_gmv", "product", { title: "tile_products", area: "products", limit: 6 }),
      board("hosts_gmv", "host", { title: "tile_hosts", area: "hosts", limit: 5 }),
      { kind: "stock", compact: true, area: "stock", limit: 5 },
      { kind: "ticker", title: "tile_alerts", area: "ticker", limit: 3 },
    ],
  },
};

const ALERTS = { kind: "alerts", area: "alerts" };
const STOCK = { kind: "stock", area: "stock" };
const TERMS = { kind: "terms", area: "terms", limit: 40, shares: true };
const ALL = { kind: "all", area: "all" };
const SPLITS = { kind: "splits", dimension: "explanation", area: "splits" };
const TREND = { kind: "trend", title: "tile_marks", area: "trend" };
const PRODUCTS = board("products_gmv", "product", { title: "tile_products", area: "products", own: true, limit: 10 });

/** The console's role views are selections of the same tiles. */
export const CONSOLES = {
  operator: {
    layout: "console-operator",
    tiles: [
      ...figures(["gmv_paid", ...KPI.slice(0, 5)], { area: "kpi" }), ALERTS, TREND, STOCK, TERMS, PRODUCTS,
      { kind: "funnel", area: "funnel" }, { kind: "conversion", area: "conversion" }, { kind: "heat", area: "heat", products: 5 },
      { kind: "split", title: "tile_channels", dimension: "channel", share: ["view_uv", "view_pv"], second: "pay_uv", area: "channels", limit: 8 },
      { kind: "lines", board: "keywords", area: "keywords" }, { kind: "lines", board: "pairs", area: "pairs" }, SPLITS, ALL,
    ],
  },
  host: {
    layout: "console-host",
    tiles: [
      figureTile("online_now", { area: "kpi", size: "huge" }), figureTile("gmv_paid", { area: "kpi", size: "huge" }),
      figureTile("orders_paid", { area: "kpi", size: "huge" }),
      { kind: "explained", area: "explained" }, { kind: "terms", area: "terms", limit: 16 },
      { kind: "alerts", area: "alerts", roles: ["host"], answers: false, limit: 3 },
      { kind: "stock", compact: true, area: "stock", limit: 5 },
    ],
  },
  warehouse: {
    layout: "console-warehouse",
    tiles: [STOCK, { ...ALERTS, roles: ["warehouse", "operator"] }, board("products_units", "product", { title: "tile_products", unit: "count", area: "products", limit: 12, metrics: ["units_paid"] })],
  },
  finance: {
    layout: "console-finance",
    tiles: [
      HERO, ...figures(["orders_paid", "aov_order", "aov_buyer", "refund_amount", "refund_rate"], { area: "kpi" }),
      TREND, PRODUCTS, { ...SPLITS, dimension: "price_band" }, ALL,
    ],
  },
  boss: {
    layout: "console-boss",
    tiles: [
      HERO, ...figures(["online_now", "orders_paid", "cvr_view", "aov_order", "refund_rate"], { area: "kpi" }),
      { kind: "cards", area: "cards" }, board("rooms_gmv", "room", { title: "tile_rooms", area: "rooms", limit: 8 }),
      board("hosts_gmv", "host", { title: "tile_hosts", area: "hosts", limit: 8 }), ALERTS,
    ],
  },
};

/** Tiles of a view that this catalogue can fill. @param {Catalogue} catalogue */
export function tilesOf(view, catalogue) {
  const known = (name) => catalogue.metrics.length === 0 || catalogue.has(name);
  const shown = { metric: (spec) => known(spec.metric), lines: (spec) => catalogue.board(spec.board) !== null };
  return view.tiles.filter((spec) => shown[spec.kind]?.(spec) ?? true);
}
