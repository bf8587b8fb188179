/** The chart library: loaded after the figures, themed from the style sheet, text drawn on canvas. */

import { node } from "./dom.js";

const PAINT_MS = 2000;

const AGAIN_MS = { first: 1_000, last: 60_000 };

/** Charts that wait for the library: told when it comes, and when it is late. */
const waiting = new Set();
let asked = false;
let late = false;

/** Loads ECharts once: a megabyte to read, so the figures are drawn before it is asked for. */
export function loadCharts() {
  if (asked) return;
  asked = true;
  ask(0);
}

/** Asks until it comes: a gateway that restarts meanwhile must not cost the charts of the day. */
function ask(tries) {
  // Behind a restart there may be a gateway of another version: it knows the plain address only.
  const src = tries === 0 ? new URL("./echarts.min.js", import.meta.url).href : "/assets/echarts.min.js";
  const script = node("script", { src });
  const again = () => {
    script.remove();
    late = true;
    for (const chart of waiting) chart.late();
    const most = Math.min(AGAIN_MS.last, AGAIN_MS.first * 2 ** tries);
    setTimeout(() => ask(tries + 1), most * (0.5 + Math.random() / 2));
  };
  script.addEventListener("error", again);
  script.addEventListener("load", () => {
    if (globalThis.echarts === undefined) {
      again();
      return;
    }
    for (const chart of waiting) chart.came();
    waiting.clear();
  });
  document.head.append(script);
}

/** Colours and sizes of the style sheet, for the canvas. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const rem = parseFloat(style.fontSize);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    rem,
    font: getComputedStyle(document.body).fontFamily,
    text: colour("muted"), strong: colour("text"), grid: colour("line"), surface: colour("surface"),
    a: colour("blue"), b: colour("gold"), c: colour("mint"), d: colour("violet"),
    heat: [colour("heat-0"), colour("heat-1"), colour("heat-2"), colour("heat-3")],
  };
}

/**
 * A chart in a tile. `option(theme)` gives ECharts options; drawn at most once per call of draw.
 * @param {Object} ctx @param {HTMLElement} body
 * @returns {{draw: (option: (theme: Object) => Object, summary: string) => void, dispose: () => void}}
 */
export function chartIn(ctx, body) {
  const canvas = node("div", { class: "chart", role: "img" });
  body.append(canvas);
  let chart = null;
  let disposed = false;
  let pending = null;
  let look = null;
  let timer = null;
  let paintedAt = -Infinity;
  const paint = () => {
    timer = null;
    if (chart === null || pending === null || disposed) return;
    paintedAt = performance.now();
    chart.setOption({ animation: false, ...pending(look) }, { notMerge: true, lazyUpdate: false });
  };
  // The figures beside a chart move with every update; its minutes need no more than this.
  const paintSoon = () => {
    timer ??= setTimeout(paint, Math.max(0, paintedAt + PAINT_MS - performance.now()));
  };
  const resize = new ResizeObserver(() => {
    if (chart === null) return;
    look = theme();
    chart.resize();
    paint();
  });
  const note = node("p", { class: "tile-note", text: ctx.t("no_chart") });
  const hope = {
    late: () => canvas.append(note),
    came() {
      note.remove();
      look = theme();
      chart = globalThis.echarts.init(canvas, null, { renderer: "canvas" });
      // Otherwise it asks for ten more frames after each drawing, and the whole page pays for them.
      chart.getZr().setSleepAfterStill(1);
      resize.observe(canvas);
      paint();
    },
  };
  if (globalThis.echarts !== undefined) hope.came();
  else waiting.add(hope);
  if (late && chart === null) hope.late();
  return {
    draw(option, summary) {
      pending = option;
      canvas.setAttribute("aria-label", summary);
      paintSoon();
    },
    dispose() {
      disposed = true;
      waiting.delete(hope);
      clearTimeout(timer);
      resize.disconnect();
      chart?.dispose();
    },
  };
}

/** Axes and grid that every chart of ours shares. */
export function frame(look, { left = 3.4, right = 0.6, top = 0.8, bottom = 1.6 } = {}) {
  const { rem } = look;
  return {
    textStyle: { fontFamily: look.font, color: look.text },
    grid: { left: left * rem, right: right * rem, top: top * rem, bottom: bottom * rem, containLabel: false },
    tooltip: tooltip(look),
  };
}

/** A tooltip drawn on the canvas: markup would need an inline style, and could be hostile. */
export function tooltip(look) {
  return {
    trigger: "axis",
    renderMode: "richText",
    confine: true,
    backgroundColor: look.surface,
    borderColor: look.grid,
    textStyle: { color: look.strong, fontSize: 0.85 * look.rem, fontFamily: look.font },
    axisPointer: { type: "line", lineStyle: { color: look.text } },
  };
}

/** @param {(value: number) => string} label */
export function timeAxis(look, label, extra = {}) {
  return {
    type: "time",
    axisLine: { lineStyle: { color: look.grid } },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: { color: look.text, fontSize: 0.8 * look.rem, hideOverlap: true, formatter: label },
    ...extra,
  };
}

/** @param {(value: number) => string} label */
export function valueAxis(look, label, extra = {}) {
  return {
    type: "value",
    splitNumber: 3,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: look.grid } },
    axisLabel: { color: look.text, fontSize: 0.8 * look.rem, formatter: label },
    ...extra,
  };
}
