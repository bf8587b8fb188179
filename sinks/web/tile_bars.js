/** Bars without a chart library: funnel, split by channel, comment terms. */

import { boardLines, splitByKey } from "./derive.js";
import { keyed, node, setText, setVar } from "./dom.js";
import { figure, integer, percent, scalar } from "./format.js";
import { has as spoken } from "./i18n.js";
import { reading } from "./tile_metric.js";

/** The steps a funnel may have, in order; five of them are shown. */
const STEPS = ["room_exposure_uv", "view_uv", "product_exposure_uv", "product_click_uv", "order_uv", "pay_uv"];
const MOST_STEPS = 5;

/**
 * Which steps to show. A step that the feed does not carry (nothing there, though later steps
 * are) would make a funnel of nonsense: it is left out; of six, orders give way.
 * @param {(number|null)[]} values one for each of STEPS
 */
export function funnelSteps(values) {
  const carried = STEPS.map((name, at) => ({ key: name, value: values[at] }))
    .filter(({ value }, at) => value > 0 || (value === 0 && !values.slice(at + 1).some((later) => later > 0)));
  return carried.length > MOST_STEPS ? carried.filter(({ key }) => key !== "order_uv") : carried;
}

export function funnel(ctx, body) {
  const { t, lang, catalogue } = ctx;
  const list = node("ol", { class: "funnel" });
  body.append(list);
  const channel = ctx.room === null ? null : ctx.channel.room(ctx.room);
  const steps = () => funnelSteps(STEPS.map((name) => scalar(reading(ctx, name, "session"))));
  return {
    channels: channel === null ? ctx.rooms.map((room) => ctx.channel.room(room)) : [channel],
    subjects: () => steps().map(({ key }) => ({ metric: key, window: "session", channel })),
    update() {
      const shown = steps();
      const top = Math.max(1, ...shown.map(({ value }) => value));
      const rows = keyed(list, shown, ({ key }) => {
        const cells = {
          name: node("span", { class: "funnel-name", text: catalogue.title(key, lang) }),
          value: node("span", { class: "funnel-value" }),
          rate: node("span", { class: "funnel-rate" }),
          bar: node("span", { class: "funnel-bar", "aria-hidden": "true" }),
        };
        return { cells, element: node("li", {}, Object.values(cells)) };
      });
      shown.forEach(({ key, value }, at) => {
        const { cells } = rows.get(key);
        const before = at === 0 ? 0 : shown[at - 1].value;
        const share = before > 0 ? value / before : null;
        setText(cells.value, integer(value, lang));
        setText(cells.rate, share === null ? "" : `↓ ${percent(share, lang, 1)}`);
        cells.rate.title = share === null ? "" : t("of_previous", percent(share, lang, 2));
        setVar(cells.bar, "--part", (value / top).toFixed(4));
      });
      return shown.length > 0;
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

/** Comment terms: size says how many viewers; the count is there to read. */
export function terms(ctx, body, spec) {
  const { t, lang } = ctx;
  const list = node("ul", { class: "terms" });
  body.append(list);
  const room = ctx.channel.room(ctx.room);
  const boards = ["terms", "terms_session"].map((name) => ctx.channel.own(ctx.room, name));
  const resize = new ResizeObserver(() => wholeLines(list));
  resize.observe(list);
  let drawn = "";
  return {
    channels: [...boards, room],
    dispose: () => resize.disconnect(),
    subjects: () => SHARES.map((metric) => ({ metric, window: "r5", channel: room })),
    update() {
      const rows = termLines(boards.map((channel) => ctx.store.fields(channel)), spec.limit ?? 24);
      const top = rows[0]?.value ?? 1;
      const elements = keyed(list, rows, ({ key }) => {
        const count = node("span", { class: "term-count" });
        return { count, element: node("li", {}, [node("span", { class: "term-text", text: key, dir: "auto" }), count]) };
      });
      for (const row of rows) {
        const { element, count } = elements.get(row.key);
        setText(count, integer(row.value, lang));
        element.dataset.weight = String(Math.ceil((row.value / top) * 4));
      }
      const now = rows.map(({ key }) => `${key} ${elements.get(key).element.textContent.length} ${elements.get(key).element.dataset.weight}`).join();
      if (now !== drawn) wholeLines(list);
      drawn = now;
      if (spec.shares === true) {
        const shares = SHARES.map((name) => scalar(ctx.store.get(room, `r5.${name}`)));
        setText(ctx.extra, shares.every((share) => share === null) ? "" : t("term_shares", ...shares.map((share) => percent(share, lang, 0))));
      }
      return rows.length > 0;
    },
  };
}

/** Hides what would be cut by the lower edge. */
function wholeLines(list) {
  const limit = list.offsetTop + list.clientHeight + 1;
  const cut = [...list.children].map((item) => item.offsetTop + item.offsetHeight > limit);
  [...list.children].forEach((item, at) => item.classList.toggle("cut", cut[at]));
}

const SHARES = ["question_share", "negative_share"];

/** Lines of the last five minutes where there are any, else of the session. */
function termLines(boards, limit) {
  for (const fields of boards) {
    const rows = boardLines(fields, limit).filter(({ key, value }) => typeof key === "string" && value > 0);
    if (rows.length > 0) return rows;
  }
  return [];
}
