/**
 * The frame around every tile: title, "what it means", calm "no data", and when to redraw.
 *
 * A kind of tile is a function `(ctx, body, spec) => part` where a part has `channels` (what it
 * reads), `update()` (draws; returns false while there is no data), and maybe `subjects()`
 * (what the dialog explains), `everySecond` (it shows time) and `dispose()`.
 */

import { explain } from "./explain.js";
import { node } from "./dom.js";
import { KINDS } from "./kinds.js";

let serial = 0;

/**
 * @param {Object} ctx page context
 * @param {{kind: string, title?: string, metric?: string, metrics?: string[], window?: string, area?: string, size?: string}} spec
 * @returns {{element: HTMLElement, channels: Set<string>, update: () => void, everySecond: boolean, dispose: () => void}}
 */
export function mountTile(ctx, spec) {
  const title = titleOf(ctx, spec);
  const id = `tile-${serial++}`;
  const body = node("div", { class: "tile-body" });
  const empty = node("p", { class: "tile-empty", text: ctx.t("no_data") });
  const opener = node("button", {
    class: "tile-title", type: "button", text: title, title: ctx.t("means", title), "aria-haspopup": "dialog",
  });
  const heading = node("h2", { id }, [opener]);
  const extra = node("span", { class: "tile-extra" });
  const element = node("section", { class: `tile tile-${spec.kind}`, "aria-labelledby": id }, [
    node("header", {}, [heading, extra]), body, empty,
  ]);
  if (spec.area !== undefined) element.classList.add(`area-${spec.area}`);
  if (spec.size !== undefined) element.classList.add(`size-${spec.size}`);
  const part = KINDS[spec.kind]({ ...ctx, extra }, body, spec);
  opener.addEventListener("click", () => explain(ctx, title, subjectsOf(ctx, spec, part)));
  const update = () => element.classList.toggle("is-empty", part.update() === false);
  update();
  return {
    element,
    channels: new Set(part.channels),
    update,
    everySecond: part.everySecond === true,
    dispose: () => part.dispose?.(),
  };
}

function titleOf(ctx, spec) {
  if (spec.title !== undefined) return ctx.t(spec.title);
  if (spec.kind === "lines") return ctx.catalogue.board(spec.board)[`title_${ctx.lang}`];
  return spec.metric === undefined ? ctx.t(`tile_${spec.kind}`) : ctx.catalogue.title(spec.metric, ctx.lang);
}

function subjectsOf(ctx, spec, part) {
  if (part.subjects !== undefined) return part.subjects();
  const metrics = spec.metrics ?? (spec.metric === undefined ? [] : [spec.metric]);
  const channel = ctx.room === null ? null : ctx.channel.room(ctx.room);
  return metrics.map((metric) => ({ metric, window: spec.window ?? "session", channel }));
}
