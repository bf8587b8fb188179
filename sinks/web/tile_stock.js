/** Stock pools: what is left, how fast it goes, when it will be gone. */

import { stockLines } from "./derive.js";
import { keyed, node, setText, setVar } from "./dom.js";
import { decimal, estimate, integer, isRatio, NONE, scalar } from "./format.js";

const SIGN = { ok: "●", low: "▲", out: "■" };

/** @param spec {compact: boolean, limit} compact: the big screen's bars; else the full table */
export function stock(ctx, body, spec) {
  const draw = spec.compact === true ? compact(ctx, body) : table(ctx, body);
  const stocks = ctx.groups.map((group) => `stock:${group}`);
  return {
    channels: [...stocks, ...ctx.groups.map((group) => `names:${group}`)],
    update() {
      const lines = stocks.flatMap((channel) => stockLines(ctx.store.fields(channel)));
      draw(lines.slice(0, spec.limit ?? 200));
      return lines.length > 0;
    },
  };
}

/** "4 min 20 s", "sold out" or "–". */
export function etaText({ t }, pool) {
  if (pool.level === "out") return t("eta_now");
  return estimate(scalar(pool.stockout_eta_s), t);
}

/** The interval of the ETA where the engine gives one: "3 min – 7 min". */
export function etaRange({ t }, pool) {
  const low = pool.stockout_eta_low_s ?? null;
  const high = pool.stockout_eta_high_s ?? null;
  if (low === null && high === null) return "";
  return `${estimate(low, t)} – ${high === null ? "∞" : estimate(high, t)}`;
}

/** A pool by its product's name; a quota of one room (`p1@r2`) says whose. */
function poolName(ctx, pool) {
  const { title } = ctx.named("product", pool.key);
  if (title !== pool.key) return title;
  const [key, room] = pool.key.split("@");
  const product = ctx.named("product", pool.products?.length === 1 ? pool.products[0] : key).title;
  return room === undefined ? product : `${product} · ${ctx.named("room", room).title}`;
}

function level(ctx, cell, pool, wordClass = null) {
  const kind = pool.level in SIGN ? pool.level : "ok";
  if (cell.dataset.level === kind) return;
  cell.dataset.level = kind;
  cell.replaceChildren(node("span", { "aria-hidden": "true", text: SIGN[kind] }), node("span", { class: wordClass, text: ctx.t(`level_${kind}`) }));
}

function compact(ctx, body) {
  const list = node("ul", { class: "stock" });
  body.append(list);
  return (lines) => {
    const rows = keyed(list, lines, () => {
      const cells = {
        level: node("span", { class: "stock-level" }),
        name: node("span", { class: "stock-name", dir: "auto" }),
        left: node("span", { class: "stock-left" }),
        eta: node("span", { class: "stock-eta" }),
        bar: node("span", { class: "stock-bar", "aria-hidden": "true" }),
      };
      return { cells, element: node("li", {}, Object.values(cells)) };
    });
    for (const pool of lines) {
      const { cells, element } = rows.get(pool.key);
      const title = poolName(ctx, pool);
      setText(cells.name, title);
      cells.name.title = title;
      level(ctx, cells.level, pool, "sr-only");
      setText(cells.left, ctx.t("left", integer(pool.available, ctx.lang)));
      setText(cells.eta, etaText(ctx, pool));
      const whole = Math.max(1, (pool.available ?? 0) + (pool.sold ?? 0) + (pool.reserved ?? 0));
      setVar(cells.bar, "--part", Math.max(0, (pool.available ?? 0) / whole).toFixed(4));
      element.dataset.level = pool.level ?? "ok";
    }
  };
}

const COLUMNS = [
  ["product", poolName],
  ["available", (ctx, pool) => integer(pool.available, ctx.lang)],
  ["eta", (ctx, pool) => etaText(ctx, pool)],
  ["speed", (ctx, pool) => speed(ctx, pool)],
  ["reserved", (ctx, pool) => integer(pool.reserved, ctx.lang)],
  ["sold", (ctx, pool) => integer(pool.sold, ctx.lang)],
];

function speed(ctx, pool) {
  const value = pool.velocity_5m;
  const number = isRatio(value) ? value.value : value;
  return number === null || number === undefined ? NONE : ctx.t("a_minute", decimal(number, 1, ctx.lang));
}

function table(ctx, body) {
  const rowsIn = node("tbody");
  const head = COLUMNS.map(([word]) => node("th", { scope: "col", text: ctx.t(word), class: `col-${word}` }));
  head.splice(1, 0, node("th", { scope: "col", text: ctx.t("level") }));
  body.append(node("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": ctx.t("tile_stock") }, [
    node("table", {}, [node("thead", {}, [node("tr", {}, head)]), rowsIn]),
  ]));
  return (lines) => {
    const rows = keyed(rowsIn, lines, () => {
      const name = node("th", { scope: "row", dir: "auto" });
      const state = node("td", { class: "stock-level" });
      const cells = COLUMNS.slice(1).map(([word]) => node("td", { class: `col-${word}` }));
      return { element: node("tr", {}, [name, state, ...cells]), cells: [name, ...cells], state };
    });
    for (const pool of lines) {
      const row = rows.get(pool.key);
      row.element.dataset.level = pool.level ?? "ok";
      level(ctx, row.state, pool);
      COLUMNS.forEach(([, text], at) => setText(row.cells[at], text(ctx, pool)));
      row.cells[0].title = row.cells[0].textContent;
      row.cells[2].title = etaRange(ctx, pool);
    }
  };
}
