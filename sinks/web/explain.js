/** "What a value means": one dialog for every tile, all of it from the catalogue. */

import { clock, figure, fraction, isRatio, scalar } from "./format.js";
import { node } from "./dom.js";
import { has } from "./i18n.js";

/**
 * Opens the dialog for the metrics of one tile.
 * @param {Object} ctx page context (t, lang, catalogue, store)
 * @param {string} title the tile's title
 * @param {{metric: string, window: string, channel: string|null}[]} subjects
 */
export function explain(ctx, title, subjects) {
  const { t } = ctx;
  const heading = node("h2", { text: t("means", title), id: "explain-title" });
  const close = node("button", { class: "button", text: t("close"), type: "button" });
  const dialog = node("dialog", { class: "explain", "aria-labelledby": "explain-title" }, [
    node("header", {}, [heading, close]),
    ...subjects.map((subject) => definition(ctx, subject)),
  ]);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function definition(ctx, { metric, window, channel, board }) {
  const { t, lang, catalogue } = ctx;
  if (board !== undefined) return boardDefinition(ctx, board);
  const entry = catalogue.get(metric);
  const rows = entry === null ? [[t("status"), t("not_in_catalogue")]] : catalogueRows(ctx, entry);
  if (channel !== null && channel !== undefined) rows.unshift(...valueRows(ctx, metric, window, channel));
  rows.push([t("window"), windowName(ctx, window)]);
  return node("section", {}, [
    node("h3", { text: catalogue.title(metric, lang) }, [node("code", { text: metric })]),
    node("dl", {}, rows
      .filter(([, value]) => value !== undefined && value !== null && value !== "")
      .flatMap(([name, value]) => [node("dt", { text: name }), node("dd", { text: String(value) })])),
  ]);
}

/** What each figure of a board's lines is; the first two are its order. */
function boardDefinition(ctx, board) {
  const { t, lang } = ctx;
  const rows = board.columns.map((column) => [column[`title_${lang}`], column.formula]);
  rows.push([t("board_order"), board.columns.slice(0, 2).map((column) => column[`title_${lang}`]).join(", ")]);
  rows.push([t("window"), windowName(ctx, board.window)]);
  return node("section", {}, [
    node("h3", { text: board[`title_${lang}`] }, [node("code", { text: board.name })]),
    node("dl", {}, rows.flatMap(([name, value]) => [node("dt", { text: name }), node("dd", { text: value })])),
  ]);
}

function catalogueRows({ t }, entry) {
  return [
    [t("formula"), entry.formula],
    [t("numerator"), entry.num],
    [t("denominator"), entry.den],
    [t("basis"), entry.basis],
    [t("time_basis"), entry.time_basis],
    [t("not_to_confuse"), Array.isArray(entry.not_to_confuse) ? entry.not_to_confuse.join("; ") : entry.not_to_confuse],
    [t("version"), entry.version],
  ];
}

function valueRows(ctx, metric, window, channel) {
  const { t, lang, catalogue, store } = ctx;
  const value = store.get(channel, `${window}.${metric}`);
  const currency = store.get(channel, "meta.currency");
  const rows = [[t("value"), figure(value, catalogue.unit(metric), currency, lang)]];
  const why = whyNone(ctx, metric, window, channel);
  if (why !== "") rows.push([t("why_none"), why]);
  if (isRatio(value)) {
    rows.push([`${t("numerator")} / ${t("denominator")}`, fraction(value, ...catalogue.partUnits(metric), currency, lang)]);
  }
  const ended = store.get(channel, "meta.status") === "ended";
  rows.push([t("status"), t(ended ? "final" : "provisional")]);
  rows.push([t("as_of"), clock(store.get(channel, "meta.wm_ms"))]);
  return rows;
}

/** Why a figure has no value, in words; "" where it has one. Reasons stand in the field `<window>.nulls`. */
export function whyNone({ t, store }, metric, window, channel) {
  const value = store.get(channel, `${window}.${metric}`);
  if (scalar(value) !== null) return "";
  const reason = store.get(channel, `${window}.nulls`)?.[metric];
  if (reason !== undefined) return has(`null_${reason}`) ? t(`null_${reason}`) : String(reason);
  return t(isRatio(value) && value.den === 0 ? "null_zero" : "null_absent");
}

/** @returns {string} a window's name in the page's language, else as the catalogue says it */
export function windowName({ t, lang, catalogue }, window) {
  const entry = Object.values(catalogue.windows).find((one) => one?.wire === window) ?? catalogue.windows[window];
  return entry?.[`title_${lang}`] ?? (has(`window_${window}`) ? t(`window_${window}`) : window);
}
