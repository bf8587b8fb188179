/**
 * A room's figures by any dimension the catalogue has: a table with a button for each.
 *
 * Dimensions and columns come from the catalogue, so a new dimension shows without touching the
 * page. Only the chosen one is followed: products have thousands of fields.
 */

import { splitByKey } from "./derive.js";
import { keyed, node, setText } from "./dom.js";
import { clock, figure, scalar } from "./format.js";
import { has as spoken } from "./i18n.js";

/** Columns, best first; those that the dimension does not have are left out. */
const COLUMNS = ["gmv_paid", "orders_paid", "pay_uv", "cvr_click", "product_click_uv", "view_uv", "refund_rate", "refund_amount"];
const MOST_COLUMNS = 6;
const MOST_ROWS = 60;

/** Whose names the keys of a dimension are. */
const ROLE = { product: "product", explanation: "product", host: "host", shift: "host", campaign: "campaign", campaign_phase: "campaign" };
/** Keys that begin at a time: `<id>@<start_ms>`, maybe `/<part>`. */
const TIMED = /^(.+)@(\d{10,})(?:\/(\w+))?$/;

/** @param spec {dimension: string} the one to begin with, if the catalogue has it */
export function splits(ctx, body, spec) {
  const { catalogue, lang, feed } = ctx;
  const names = Object.keys(catalogue.dimensions)
    .filter((name) => name !== "room" && (catalogue.dimensions[name].windows ?? []).includes("session") && columnsOf(catalogue, name).length > 0);
  let chosen = names.includes(spec.dimension) ? spec.dimension : names[0];
  const buttons = names.map((name) => {
    const button = node("button", { class: "button", type: "button", text: titleOf(catalogue, name, lang), title: titleOf(catalogue, name, lang) });
    button.addEventListener("click", () => choose(name));
    return [name, button];
  });
  const table = node("table");
  body.append(
    node("div", { class: "choices", role: "group", "aria-label": ctx.t("split_by") }, buttons.map(([, button]) => button)),
    node("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": ctx.t("tile_splits") }, [table]),
    node("p", { class: "tile-note" }),
  );
  let draw = () => {};
  const choose = (name) => {
    chosen = name;
    if (name === undefined) return;
    for (const [other, button] of buttons) button.setAttribute("aria-pressed", String(other === name));
    feed.subscribe([ctx.channel.split(ctx.room, name)]);
    draw = tableOf(ctx, table, name);
    draw();
  };
  choose(chosen);
  return {
    channels: ctx.groups.map((group) => `names:${group}`),
    everySecond: true,
    subjects: () => (chosen === undefined ? [] : columnsOf(catalogue, chosen).map((metric) => ({ metric, window: "session", channel: null }))),
    update() {
      const rows = draw() ?? 0;
      setText(body.lastChild, rows > 0 ? "" : ctx.t("no_data"));
      return names.length > 0;
    },
  };
}

const titleOf = (catalogue, name, lang) => catalogue.dimensions[name][`title_${lang}`] ?? name;

function columnsOf(catalogue, dimension) {
  return COLUMNS.filter((name) => catalogue.get(name)?.dimensions?.includes(dimension)).slice(0, MOST_COLUMNS);
}

function tableOf(ctx, table, dimension) {
  const { catalogue, lang } = ctx;
  const metrics = columnsOf(catalogue, dimension);
  const head = [titleOf(catalogue, dimension, lang), ...metrics.map((name) => catalogue.title(name, lang))];
  const rowsIn = node("tbody");
  table.replaceChildren(node("thead", {}, [node("tr", {}, head.map((text) => node("th", { scope: "col", text, title: text })))]), rowsIn);
  const channel = ctx.channel.split(ctx.room, dimension);
  return () => {
    const rows = rowsOf(ctx, channel, metrics);
    const made = keyed(rowsIn, rows, () => {
      const name = node("th", { scope: "row", dir: "auto" });
      const cells = metrics.map(() => node("td"));
      return { element: node("tr", {}, [name, ...cells]), name, cells };
    });
    for (const { key, values } of rows) {
      const { name, cells } = made.get(key);
      setText(name, keyName(ctx, dimension, key));
      name.title = name.textContent;
      metrics.forEach((metric, at) => setText(cells[at], figure(values[metric], catalogue.unit(metric), ctx.currency(), lang)));
    }
    return rows.length;
  };
}

/** What began last first; else by the first column. */
function rowsOf(ctx, channel, metrics) {
  const start = (key) => Number(TIMED.exec(key)?.[2] ?? 0);
  return [...splitByKey(ctx.store.fields(channel), "session", metrics)]
    .map(([key, values]) => ({ key, values, start: start(key), first: scalar(values[metrics[0]]) ?? -Infinity }))
    .sort((a, b) => b.start - a.start || b.first - a.first || (a.key < b.key ? -1 : 1))
    .slice(0, MOST_ROWS);
}

function keyName(ctx, dimension, key) {
  const [, id, start, part] = TIMED.exec(key) ?? [null, key, null, null];
  const word = [`${dimension}_${id}`, `channel_${id}`].find((name) => spoken(name));
  const name = id === "unknown" ? ctx.t("channel_unknown") : word !== undefined ? ctx.t(word) : ROLE[dimension] === undefined ? id : ctx.named(ROLE[dimension], id).title;
  const phase = part === null || part === undefined ? "" : spoken(`phase_${part}`) ? ctx.t(`phase_${part}`) : part;
  return [name, start === null ? "" : clock(Number(start), false), phase].filter((text) => text !== "").join(" · ");
}
