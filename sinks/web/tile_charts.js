/** Charts over the session's minutes: online and sales, conversion, interaction heat. */

import { chartIn, frame, timeAxis, tooltip, valueAxis } from "./chart.js";
import { minutes } from "./derive.js";
import { node, setText } from "./dom.js";
import { clock, integer, isRatio, money, moneyShort, percent, scalar, short } from "./format.js";
import { lanes, marksOf } from "./marks.js";

const MINUTE = 60_000;
/** A young session is drawn on an axis of so many minutes. */
const SHORTEST_MINUTES = 15;

/** Redraws only when a minute or the open minute's values changed. */
function changed(memory, ...parts) {
  const now = JSON.stringify(parts);
  if (memory.last === now) return false;
  memory.last = now;
  return true;
}

/** Final minutes, then the open one from the room's own `m1` fields. */
function series(ctx, names) {
  const room = ctx.channel.room(ctx.room);
  const rows = minutes(ctx.store.fields(ctx.channel.hist(ctx.room))).map(([start, row]) => [start, ...names.map((name) => row[name] ?? null)]);
  const mark = ctx.store.get(room, "meta.wm_ms");
  const live = ctx.store.get(room, "meta.status") !== "ended";
  if (mark !== null && live) {
    const open = Math.floor(mark / MINUTE) * MINUTE;
    if (rows.length === 0 || rows.at(-1)[0] < open) {
      const values = names.map((name) => ctx.store.get(room, `m1.${name}`));
      if (values.some((value) => value !== null)) rows.push([open, ...values]);
    }
  }
  return rows;
}

const minuteLabel = (value) => clock(value, false);

/** Online as a line, GMV of each minute as bars; explanations and promotions as marks. */
export function trend(ctx, body) {
  const { t, lang, catalogue } = ctx;
  const legend = legendIn(body, [["a", t("online")], ["b", t("gmv_minute")]]);
  const chart = chartIn(ctx, body);
  const strip = lanes(ctx, body);
  const room = ctx.channel.room(ctx.room);
  const memory = {};
  return {
    channels: [room, ctx.channel.hist(ctx.room), ...ctx.groups.map((group) => `names:${group}`)],
    subjects: () => ["online_now", "pcu", "gmv_paid"].map((metric) => ({ metric, window: metric === "gmv_paid" ? "m1" : "session", channel: room })),
    dispose: chart.dispose,
    update() {
      const rows = series(ctx, ["online_now", "gmv_paid"]);
      if (rows.length === 0) return false;
      const marks = marksOf(ctx, ctx.room);
      const currency = ctx.currency();
      if (!changed(memory, rows, marks)) return true;
      const live = ctx.store.get(room, "meta.status") !== "ended";
      const from = rows[0][0];
      const to = Math.max(rows.at(-1)[0], from + (SHORTEST_MINUTES - 1) * MINUTE) + MINUTE;
      strip(marks, from, to);
      const online = rows.map(([start, value]) => [start, scalar(value)]);
      legend([integer(online.at(-1)[1], lang), money(scalar(rows.at(-1)[2]), currency, lang)]);
      const peak = online.reduce((best, point) => (point[1] !== null && point[1] > (best?.[1] ?? -1) ? point : best), null);
      const summary = `${t("online")}: ${t("now")} ${integer(online.at(-1)[1], lang)}, ${t("peak", integer(peak?.[1], lang))}`;
      ctx.extra.textContent = peak === null ? "" : `${t("peak", integer(peak[1], lang))} · ${minuteLabel(peak[0])}`;
      chart.draw((look) => ({
        ...frame(look, { left: 3, right: 3, top: 0.5, bottom: 1.7 }),
        tooltip: {
          ...tooltip(look),
          formatter: (points) => [clock(points[0].value[0], false), ...points.map((point) =>
            `${point.seriesName} ${point.seriesIndex === 0 ? integer(point.value[1], lang) : money(point.value[1], currency, lang)}`)].join("\n"),
        },
        xAxis: timeAxis(look, minuteLabel, { min: from, max: to, minInterval: MINUTE }),
        yAxis: [
          valueAxis(look, (value) => short(value, lang)),
          valueAxis(look, (value) => moneyShort(value, currency, lang), { splitLine: { show: false }, position: "right" }),
        ],
        series: [
          {
            name: t("online"), type: "line", data: online, showSymbol: false, z: 3,
            lineStyle: { color: look.a, width: 0.16 * look.rem }, itemStyle: { color: look.a },
            areaStyle: { color: look.a, opacity: 0.1 },
          },
          {
            name: t("gmv_minute"), type: "bar", yAxisIndex: 1, data: rows.map(([start, , value], at) => bar(start, scalar(value), live && at === rows.length - 1)),
            itemStyle: { color: look.b, opacity: 0.75 }, barMaxWidth: look.rem,
          },
        ],
      }), `${catalogue.title("online_now", lang)}. ${summary}`);
      return true;
    },
  };
}

/** The open minute is only begun: drawn fainter, so that it does not look like a fall. */
function bar(start, value, open) {
  return open ? { value: [start, value], itemStyle: { opacity: 0.35 } } : [start, value];
}

/** Names of the lines with their newest value, as text: readable, wrapping, never over the chart. */
function legendIn(body, lines) {
  const values = lines.map(() => node("span", { class: "legend-value" }));
  body.append(node("ul", { class: "legend" }, lines.map(([line, name], at) => node("li", { "data-line": line }, [
    node("span", { class: "legend-name", text: name }), values[at],
  ]))));
  return (texts) => texts.forEach((text, at) => setText(values[at], text));
}

const CONVERSIONS = ["cvr_view", "cvr_click"];

/** Conversion of each minute; a minute without a denominator is a hole, not a zero. */
export function conversion(ctx, body) {
  const { t, lang, catalogue } = ctx;
  const legend = legendIn(body, [["c", t("short_cvr_view")], ["d", t("short_cvr_click")]]);
  const chart = chartIn(ctx, body);
  const room = ctx.channel.room(ctx.room);
  const memory = {};
  return {
    channels: [room, ctx.channel.hist(ctx.room)],
    subjects: () => CONVERSIONS.map((metric) => ({ metric, window: "m1", channel: room })),
    dispose: chart.dispose,
    update() {
      const rows = series(ctx, CONVERSIONS);
      if (!rows.some((row) => row.slice(1).some((value) => scalar(value) !== null))) return false;
      if (!changed(memory, rows)) return true;
      const titles = CONVERSIONS.map((name) => catalogue.title(name, lang));
      legend(CONVERSIONS.map((_, at) => percent(scalar(rows.at(-1)[at + 1]), lang)));
      const summary = CONVERSIONS.map((name, at) => `${titles[at]} ${percent(scalar(rows.at(-1)[at + 1]), lang)}`).join(", ");
      chart.draw((look) => ({
        ...frame(look, { left: 2.9, top: 0.5 }),
        tooltip: {
          ...tooltip(look),
          formatter: (points) => [clock(points[0].value[0], false), ...points.map((point) =>
            `${point.seriesName} ${percent(point.value[1], lang)}${parts(rows[point.dataIndex][point.seriesIndex + 1], lang)}`)].join("\n"),
        },
        xAxis: timeAxis(look, minuteLabel, { minInterval: MINUTE, min: rows[0][0], max: Math.max(rows.at(-1)[0], rows[0][0] + SHORTEST_MINUTES * MINUTE) }),
        yAxis: valueAxis(look, (value) => percent(value, lang, 0), { min: 0 }),
        series: CONVERSIONS.map((name, at) => ({
          name: titles[at], type: "line", showSymbol: false, connectNulls: false,
          data: rows.map((row) => [row[0], scalar(row[at + 1])]),
          itemStyle: { color: [look.c, look.d][at] },
          lineStyle: { color: [look.c, look.d][at], width: 0.14 * look.rem, type: ["solid", "dashed"][at] },
        })),
      }), summary);
      return true;
    },
  };
}

function parts(value, lang) {
  return isRatio(value) ? `  (${integer(value.num, lang)} / ${integer(value.den, lang)})` : "";
}

/** Rows of the heat map: word, and the metrics that may carry its count, best first. */
const HEAT = [
  ["enter", ["view_pv", "view_uv"]],
  ["comment", ["comment_count", "comment_per_min"]],
  ["like", ["like_count", "likes_per_min"]],
  ["gift", ["gift_count"]],
  ["follow", ["follow_uv", "follow_rate"]],
  ["share_out", ["share_count"]],
  ["fans_join", ["fansclub_rate"]],
  ["click", ["product_click_uv"]],
  ["cart", ["cart_uv"]],
];
const HEAT_MINUTES = 30;

/**
 * Minute × kind of interaction, under it minute × the most clicked products; each row scaled by
 * its own busiest minute. @param spec {products?: how many of them}
 */
export function heat(ctx, body, spec) {
  const { t, lang } = ctx;
  const chart = chartIn(ctx, body);
  const hist = ctx.channel.hist(ctx.room);
  const ofProducts = ctx.channel.products(ctx.room);
  const most = spec.products ?? 0;
  const memory = {};
  const candidates = HEAT.flatMap(([, names]) => names);
  return {
    channels: [hist, ctx.channel.room(ctx.room), ...(most > 0 ? [ofProducts, ...ctx.groups.map((group) => `names:${group}`)] : [])],
    subjects: () => candidates.filter((name) => ctx.catalogue.has(name)).map((metric) => ({ metric, window: "m1", channel: ctx.channel.room(ctx.room) })),
    dispose: chart.dispose,
    update() {
      const rows = minutes(ctx.store.fields(hist)).slice(-HEAT_MINUTES);
      const kinds = HEAT
        .map(([word, names]) => ({ word, name: names.find((name) => rows.some(([, row]) => row[name] !== undefined && row[name] !== null)) }))
        .filter((kind) => kind.name !== undefined).reverse();
      if (kinds.length === 0) return false;
      const products = productClicks(ctx.store.fields(ofProducts), rows, most).reverse();
      const words = [...products.map(({ key }) => cut(ctx.named("product", key).title)), ...kinds.map((kind) => t(kind.word))];
      if (!changed(memory, rows.length, rows.at(-1), kinds, products, words)) return true;
      const count = (value) => (isRatio(value) ? value.num : value) ?? null;
      const series = [...products.map(({ clicks }) => clicks), ...kinds.map((kind) => rows.map(([, row]) => count(row[kind.name])))];
      const cells = series.flatMap((values, y) => {
        const top = Math.max(1, ...values);
        return values.map((value, x) => [x, y, value === null ? null : value / top, value]);
      });
      chart.draw((look) => heatOption(look, rows, words, cells, lang), words.toReversed().join(", "));
      return true;
    },
  };
}

/** Clicks of the most clicked products in the minutes shown, most first; null where none is told. */
function productClicks(fields, rows, limit) {
  if (limit === 0) return [];
  const place = new Map(rows.map(([start], at) => [String(start), at]));
  const products = new Map();
  for (const [field, value] of fields) {
    const dot = field.indexOf(".");
    const at = place.get(field.slice(0, dot));
    if (at === undefined || value === null) continue;
    const key = field.slice(dot + 1);
    if (!products.has(key)) products.set(key, { key, sum: 0, clicks: rows.map(() => null) });
    const product = products.get(key);
    product.clicks[at] = value.product_click_uv ?? 0;
    product.sum += product.clicks[at];
  }
  return [...products.values()].sort((a, b) => b.sum - a.sum || (a.key < b.key ? -1 : 1)).slice(0, limit);
}

const MOST_CHARS = 6;

/** A title short enough for the axis, cut between characters. */
function cut(title) {
  const chars = Array.from(title);
  return chars.length > MOST_CHARS ? `${chars.slice(0, MOST_CHARS - 1).join("")}…` : title;
}

function heatOption(look, rows, words, cells, lang) {
  const starts = rows.map(([start]) => start);
  while (starts.length < SHORTEST_MINUTES) starts.push(starts.at(-1) + MINUTE);
  const label = { color: look.text, fontSize: 0.85 * look.rem, fontFamily: look.font };
  return {
    ...frame(look, { left: 4.2, right: 0.2, top: 0.2, bottom: 1.6 }),
    tooltip: {
      ...tooltip(look), trigger: "item",
      formatter: ({ data }) => `${clock(rows[data[0]][0], false)}  ${words[data[1]]} ${integer(data[3], lang)}`,
    },
    xAxis: {
      type: "category", data: starts.map((start) => clock(start, false)), axisLine: { show: false }, axisTick: { show: false },
      axisLabel: { ...label, fontSize: 0.8 * look.rem, interval: Math.max(0, Math.ceil(starts.length / 5) - 1) },
    },
    yAxis: { type: "category", data: words, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { ...label, interval: 0, fontSize: (words.length > 10 ? 0.72 : 0.85) * look.rem } },
    visualMap: { show: false, min: 0, max: 1, dimension: 2, inRange: { color: look.heat } },
    series: [{
      type: "heatmap", data: cells,
      itemStyle: { borderColor: look.surface, borderWidth: 0.1 * look.rem, borderRadius: 0.15 * look.rem },
      emphasis: { disabled: true },
    }],
  };
}
