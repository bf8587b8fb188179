/** Figures: the generic metric tile made from any catalogue entry, the big GMV, all of them. */

import { addUp } from "./derive.js";
import { calm, keyed, node, setText, setVar } from "./dom.js";
import { whyNone, windowName } from "./explain.js";
import { figure, fraction, isRatio, moneyParts, NONE, scalar } from "./format.js";
import { spark, SPARK_ROOMS } from "./spark.js";

/** A room's value, or the sum over the page's rooms of one currency. */
function reading(ctx, metricName, window) {
  const field = `${window}.${metricName}`;
  return addUp(scope(ctx).map((room) => ctx.store.get(ctx.channel.room(room), field)));
}

/** The rooms a figure covers: one, or all that share the first room's currency. */
function scope(ctx) {
  if (ctx.room !== null) return [ctx.room];
  const currency = ctx.currency();
  return ctx.rooms.filter((room) => [null, currency].includes(ctx.store.get(ctx.channel.room(room), "meta.currency")));
}

/** One catalogue entry: value, its last five minutes, numerator and denominator on demand. */
export function metric(ctx, body, spec) {
  const { t, lang, catalogue } = ctx;
  const window = spec.window ?? "session";
  const unit = catalogue.unit(spec.metric) || spec.unit;
  const value = node("span", { class: "value" });
  const minor = node("span", { class: "value-minor" });
  const side = node("p", { class: "value-side" });
  const parts = node("p", { class: "value-parts" });
  const pasts = scope(ctx).map((room) => ctx.channel.hist(room));
  const trend = pasts.length > SPARK_ROOMS || spec.size === "huge" ? null : spark();
  body.append(...(trend === null ? [] : [trend.element]), node("p", { class: "value-line" }, [value, minor]), side, parts);
  return {
    channels: [...scope(ctx).map((room) => ctx.channel.room(room)), ...(trend === null ? [] : pasts)],
    update() {
      const reads = reading(ctx, spec.metric, window);
      const currency = ctx.currency();
      const money = unit === "minor" ? moneyParts(scalar(reads), currency, lang) : null;
      setText(value, money === null ? figure(reads, unit, currency, lang) : money.whole);
      setText(minor, money === null ? "" : money.fraction);
      setVar(value, "--len", value.textContent.length + minor.textContent.length / 2 + 1);
      setText(parts, fraction(reads, ...catalogue.partUnits(spec.metric), currency, lang));
      const recent = window === "session" ? reading(ctx, spec.metric, "r5") : null;
      setText(side, scalar(recent) === null ? "" : t("r5", figure(recent, unit, currency, lang)));
      trend?.draw(pasts.map((past) => ctx.store.fields(past)), spec.metric);
      value.classList.toggle("none", scalar(reads) === null);
      value.title = scalar(reads) === null && ctx.room !== null ? whyNone(ctx, spec.metric, window, ctx.channel.room(ctx.room)) : "";
    },
  };
}

const STEP_MS = 80;
const COUNT_MS = 600;

/** GMV, counting up to each new value; the shown figure always ends exact. */
export function hero(ctx, body, spec) {
  const { lang, catalogue } = ctx;
  const whole = node("span", { class: "hero-whole" });
  const minor = node("span", { class: "hero-minor" });
  const figureLine = node("p", { class: "hero-figure", "aria-live": "off" }, [whole, minor]);
  const side = node("dl", { class: "hero-side" });
  body.append(figureLine, side);
  const cells = (spec.side ?? []).filter((name) => catalogue.has(name)).map((name) => {
    const cell = node("dd");
    side.append(node("div", {}, [node("dt", { text: catalogue.title(name, lang) }), cell]));
    return [name, cell];
  });
  const counter = countUp((shown) => {
    const parts = moneyParts(shown, ctx.currency(), lang);
    setText(whole, parts.whole);
    setText(minor, parts.fraction);
    setVar(figureLine, "--len", parts.whole.length + parts.fraction.length / 2);
  });
  let snapshots = "";
  return {
    channels: scope(ctx).map((room) => ctx.channel.room(room)),
    dispose: counter.stop,
    update() {
      const target = scalar(reading(ctx, spec.metric, "session"));
      const seen = scope(ctx).map((room) => ctx.store.snapshotsOf(ctx.channel.room(room))).join();
      counter.to(target, seen === snapshots);
      snapshots = seen;
      for (const [name, cell] of cells) {
        setText(cell, figure(reading(ctx, name, "session"), catalogue.unit(name), ctx.currency(), lang));
      }
      return target === null ? undefined : true;
    },
  };
}

/** Counts from the value shown to the newest in a few steps. */
function countUp(show) {
  let shown = null;
  let target = null;
  let from = 0;
  let began = 0;
  let timer = null;
  const step = () => {
    const part = Math.min(1, (performance.now() - began) / COUNT_MS);
    shown = part === 1 ? target : Math.round(from + (target - from) * (1 - (1 - part) ** 3));
    show(shown);
    if (part === 1) stop();
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
  };
  return {
    stop,
    /** `follows`: the value comes after the one shown, with nothing lost or jumped between. */
    to(value, follows) {
      if (value === target && value !== null) return;
      target = value;
      if (!follows || shown === null || value === null || value < shown || calm() || document.hidden) {
        stop();
        shown = value;
        show(value);
        return;
      }
      from = shown;
      began = performance.now();
      timer ??= setInterval(step, STEP_MS);
    },
  };
}

/** Every metric that has a value in the room's session, in catalogue order, nothing typed here. */
export function all(ctx, body, spec) {
  const { lang, catalogue } = ctx;
  const list = node("dl", { class: "all-list" });
  body.append(list);
  const windows = spec.windows ?? ["session", "r5", "m1"];
  ctx.extra.textContent = windows.map((window) => windowName(ctx, window)).join(" · ");
  return {
    channels: [ctx.channel.room(ctx.room)],
    subjects: () => names(ctx).map((metricName) => ({ metric: metricName, window: "session", channel: ctx.channel.room(ctx.room) })),
    update() {
      const channel = ctx.channel.room(ctx.room);
      const currency = ctx.currency();
      const items = names(ctx).map((metricName) => ({ key: metricName }));
      const rows = keyed(list, items, ({ key }) => row(ctx, key, windows));
      for (const { key } of items) {
        const cells = rows.get(key).cells;
        windows.forEach((window, at) => {
          const value = ctx.store.get(channel, `${window}.${key}`);
          const units = catalogue.partUnits(key);
          setText(cells[at], figure(value, catalogue.unit(key), currency, lang));
          cells[at].title = scalar(value) === null ? whyNone(ctx, key, window, channel) : isRatio(value) ? fraction(value, ...units, currency, lang) : "";
        });
      }
      return items.length > 0;
    },
  };
}

/** Catalogue entries, then whatever else the room sends that no catalogue lists; what is null for a reason, too. */
function names(ctx) {
  const present = new Set();
  for (const [field, value] of ctx.store.fields(ctx.channel.room(ctx.room))) {
    const dot = field.indexOf(".");
    if (!/^(session|m1|r1|r5|r10)$/.test(field.slice(0, dot))) continue;
    const name = field.slice(dot + 1);
    if (name === "nulls") Object.keys(value).forEach((metric) => present.add(metric));
    else present.add(name);
  }
  const listed = ctx.catalogue.metrics.map((entry) => entry.name).filter((name) => present.has(name));
  const rest = [...present].filter((name) => !ctx.catalogue.has(name)).sort();
  return [...listed, ...rest];
}

function row(ctx, metricName, windows) {
  const cells = windows.map((window) => node("dd", { class: `window-${window}`, "data-window": window, text: NONE }));
  const element = node("div", { "data-metric": metricName }, [
    node("dt", { text: ctx.catalogue.title(metricName, ctx.lang) }), ...cells,
  ]);
  return { element, cells };
}

export { reading };
