/** Bars without a chart library: funnel, split by channel, comment terms. */

import { splitByKey } from "./derive.js";
import { keyed, node, setText, setVar } from "./dom.js";
import { figure, integer, percent, scalar } from "./format.js";
import { has as spoken } from "./i18n.js";
import { reading } from "./tile_metric.js";

/** The steps a funnel may have, in order; of those in the catalogue five are shown. */
const STEPS = ["room_exposure_uv", "view_uv", "product_exposure_uv", "product_click_uv", "order_uv", "pay_uv"];

/** Which steps: all that the catalogue has; with six, orders give way. */
export function funnelSteps(catalogue) {
  const known = STEPS.filter((name) => catalogue.has(name));
  return known.length > 5 ? known.filter((name) => name !== "order_uv") : known;
}

export function funnel(ctx, body) {
  const { t, lang, catalogue } = ctx;
  const list = node("ol", { class: "funnel" });
  body.append(list);
  const steps = funnelSteps(catalogue).map((name) => {
    const value = node("span", { class: "funnel-value" });
    const rate = node("span", { class: "funnel-rate" });
    const bar = node("span", { class: "funnel-bar", "aria-hidden": "true" });
    list.append(node("li", {}, [
      node("span", { class: "funnel-name", text: catalogue.title(name, lang) }), value, rate, bar,
    ]));
    return { name, value, rate, bar };
  });
  const channels = ctx.rooms.map((room) => ctx.channel.room(room));
  return {
    channels: ctx.room === null ? channels : [ctx.channel.room(ctx.room)],
    subjects: () => steps.map(({ name }) => ({ metric: name, window: "session", channel: ctx.room === null ? null : ctx.channel.room(ctx.room) })),
    update() {
      const values = steps.map(({ name }) => scalar(reading(ctx, name, "session")));
      const top = Math.max(1, ...values.map((value) => value ?? 0));
      steps.forEach((step, at) => {
        const before = at === 0 ? null : values[at - 1];
        const share = before === null || before === 0 || values[at] === null ? null : values[at] / before;
        setText(step.value, integer(values[at], lang));
        setText(step.rate, share === null ? "" : `↓ ${percent(share, lang, 1)}`);
        step.rate.title = share === null ? "" : t("of_previous", percent(share, lang, 2));
        setVar(step.bar, "--part", ((values[at] ?? 0) / top).toFixed(4));
      });
      return values.some((value) => value !== null);
    },
  };
}

/** One dimension's keys by share of a metric, with a second figure beside. */
export function split(ctx, body, spec) {
  const { t, lang, catalogue } = ctx;
  const window = spec.window ?? "session";
  const has = (name) => catalogue.get(name)?.dimensions?.includes(spec.dimension) === true;
  const metric = spec.share.find(has) ?? spec.share[0];
  const { second } = spec;
  const list = node("ul", { class: "bars" });
  body.append(list);
  ctx.extra.textContent = [metric, second].map((name) => catalogue.title(name, lang)).join(" · ");
  const channel = ctx.channel.split(ctx.room, spec.dimension);
  return {
    channels: [channel, ctx.channel.room(ctx.room)],
    subjects: () => [metric, second].map((name) => ({ metric: name, window, channel: null })),
    update() {
      const rows = [...splitByKey(ctx.store.fields(channel), window, [metric, second])]
        .map(([key, values]) => ({ key, value: scalar(values[metric]), second: values[second] }))
        .filter((row) => row.value !== null)
        .sort((a, b) => b.value - a.value || (a.key < b.key ? -1 : 1))
        .slice(0, spec.limit ?? 6);
      const sum = rows.reduce((total, row) => total + row.value, 0);
      const elements = keyed(list, rows, ({ key }) => barRow(spoken(`channel_${key}`) ? t(`channel_${key}`) : key));
      for (const row of rows) {
        const { cells } = elements.get(row.key);
        setText(cells.value, percent(sum === 0 ? null : row.value / sum, lang, 1));
        setText(cells.second, figure(row.second, catalogue.unit(second), ctx.currency(), lang));
        setVar(cells.bar, "--part", (sum === 0 ? 0 : row.value / rows[0].value).toFixed(4));
      }
      return rows.length > 0;
    },
  };
}

function barRow(name) {
  const cells = {
    value: node("span", { class: "bar-value" }),
    second: node("span", { class: "bar-second" }),
    bar: node("span", { class: "bar", "aria-hidden": "true" }),
  };
  const element = node("li", {}, [node("span", { class: "bar-name", text: name, dir: "auto" }), cells.value, cells.second, cells.bar]);
  return { element, cells };
}

/** Comment terms: size says how often; the count is there to read. */
export function terms(ctx, body, spec) {
  const { lang } = ctx;
  const list = node("ul", { class: "terms" });
  body.append(list);
  const channel = ctx.channel.split(ctx.room, "term");
  return {
    channels: [channel],
    update() {
      const rows = termCounts(ctx.store.fields(channel), spec.limit ?? 24);
      const top = rows[0]?.count ?? 1;
      const elements = keyed(list, rows, ({ key }) => {
        const count = node("span", { class: "term-count" });
        return { count, element: node("li", {}, [node("span", { class: "term-text", text: key, dir: "auto" }), count]) };
      });
      for (const row of rows) {
        const { element, count } = elements.get(row.key);
        setText(count, integer(row.count, lang));
        element.dataset.weight = String(Math.ceil((row.count / top) * 4));
      }
      return rows.length > 0;
    },
  };
}

/** Terms of the last five minutes where there are any, else of the session. */
function termCounts(fields, limit) {
  for (const window of ["r5", "r10", "session"]) {
    const rows = [];
    for (const [field, value] of fields) {
      if (!field.startsWith(`${window}.`)) continue;
      const key = field.slice(field.indexOf(".", window.length + 1) + 1);
      const count = scalar(value);
      if (key !== "" && count !== null && count > 0) rows.push({ key, count });
    }
    if (rows.length > 0) {
      return rows.sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1)).slice(0, limit);
    }
  }
  return [];
}
