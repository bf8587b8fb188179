/** A small line without axes: the shape of the last half hour beside a figure. */

import { addUp, minutes } from "./derive.js";
import { svg } from "./dom.js";
import { scalar } from "./format.js";

const MINUTES = 30;
const FEWEST = 5;

/** More rooms than this: their past is not asked for (a connection follows 64 channels). */
export const SPARK_ROOMS = 16;

/** @returns {{element: SVGElement, draw: (rooms: Map[], metric: string) => void}} rooms: fields of `hist:` channels */
export function spark() {
  const line = svg("polyline", { class: "spark-line" });
  const area = svg("polygon", { class: "spark-area" });
  const element = svg("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, [area, line]);
  let drawn = null;
  let known = null;
  return {
    element,
    draw(rooms, metric) {
      const seen = rooms.map((fields) => fields.size).join();
      if (seen === known) return;
      known = seen;
      const path = pathOf(rooms, metric);
      if (path === drawn) return;
      drawn = path;
      line.setAttribute("points", path);
      area.setAttribute("points", path === "" ? "" : `0,24 ${path} 100,24`);
    },
  };
}

/** Points from left to right, scaled from zero to the largest; "" while there are too few to show a shape. */
function pathOf(rooms, metric) {
  const byMinute = new Map();
  for (const [start, row] of rooms.flatMap((fields) => minutes(fields).slice(-MINUTES))) {
    byMinute.set(start, [...(byMinute.get(start) ?? []), row[metric]]);
  }
  const values = [...byMinute].sort((a, b) => a[0] - b[0]).slice(-MINUTES)
    .map(([, all]) => scalar(addUp(all))).filter((value) => value !== null);
  if (values.length < FEWEST) return "";
  const top = Math.max(...values, Number.MIN_VALUE);
  const step = 100 / (values.length - 1);
  return values.map((value, at) => `${(at * step).toFixed(1)},${(23 - (Math.max(0, value) / top) * 21).toFixed(1)}`).join(" ");
}
