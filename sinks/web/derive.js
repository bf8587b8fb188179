/**
 * Sums and orders made on the read side from absolute values: pure, no page, no clock.
 */

import { isRatio, scalar } from "./format.js";

/** "t1/r1@g" → {room: "t1/r1", group: "t1/g", tenant, id}. The group defaults to the tenant's. */
export function parseRoom(text) {
  const [path, group] = text.split("@");
  const slash = path.indexOf("/");
  if (slash < 1 || slash === path.length - 1) return null;
  const tenant = path.slice(0, slash);
  return {
    text,
    room: path,
    tenant,
    id: path.slice(slash + 1),
    group: group === undefined ? `${tenant}/${tenant}` : group.includes("/") ? group : `${tenant}/${group}`,
  };
}

/** Values of one metric added up: figures by +, ratios by numerators and denominators. */
export function addUp(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length === 0) return null;
  if (!isRatio(known[0])) return known.reduce((sum, value) => sum + value, 0);
  const num = known.reduce((sum, value) => sum + (value.num ?? 0), 0);
  const den = known.reduce((sum, value) => sum + (value.den ?? 0), 0);
  return { num, den, value: den === 0 ? null : num / den };
}

/** Per-minute rows of a `hist:` channel, oldest first: [[start_ms, row], …]. */
export function minutes(fields) {
  return [...fields]
    .map(([start, row]) => [Number(start), row])
    .filter(([start, row]) => Number.isFinite(start) && row !== null)
    .sort((a, b) => a[0] - b[0]);
}

/** Fields `<window>.<metric>.<key>` of a split channel → Map key → {metric: value}. */
export function splitByKey(fields, window, metrics) {
  const rows = new Map();
  for (const metric of metrics) {
    const prefix = `${window}.${metric}.`;
    for (const [field, value] of fields) {
      if (!field.startsWith(prefix)) continue;
      const key = field.slice(prefix.length);
      if (!rows.has(key)) rows.set(key, {});
      rows.get(key)[metric] = value;
    }
  }
  return rows;
}

/** Board lines in rank order: [{rank, key, value, …}]. */
export function boardLines(fields, limit) {
  return [...fields]
    .filter(([rank, line]) => /^\d+$/.test(rank) && line !== null && typeof line === "object")
    .map(([rank, line]) => ({ rank: Number(rank), ...line }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit);
}

/** Boards of several groups merged: by value, ties by key; ranks made anew. */
export function mergeBoards(boards, limit) {
  if (boards.length === 1) return boardLines(boards[0], limit);
  const lines = boards.flatMap((fields) => boardLines(fields, 50));
  lines.sort((a, b) => b.value - a.value || (a.key < b.key ? -1 : 1));
  return lines.slice(0, limit).map((line, at) => ({ ...line, rank: at + 1, prev_rank: at + 1 }));
}

const LEVEL_ORDER = { out: 0, low: 1, ok: 2 };

/** Stock pools, most urgent first: sold out, low, then by time left, then by what is left. */
export function stockLines(fields) {
  const far = Number.MAX_SAFE_INTEGER;
  return [...fields]
    .filter(([, pool]) => pool !== null && typeof pool === "object")
    .map(([key, pool]) => ({ key, ...pool }))
    .sort((a, b) =>
      (LEVEL_ORDER[a.level] ?? 3) - (LEVEL_ORDER[b.level] ?? 3)
      || (scalar(a.stockout_eta_s) ?? far) - (scalar(b.stockout_eta_s) ?? far)
      || (a.available ?? far) - (b.available ?? far)
      || (a.key < b.key ? -1 : 1));
}

export const SEVERITIES = ["critical", "warning", "info"];
const CLOSED = new Set(["resolved", "pending", "normal"]);

/** The newest entry of every alert. @returns {Map<string, Object>} id → entry */
export function foldAlerts(entries) {
  const alerts = new Map();
  for (const entry of entries) {
    if (entry?.id !== undefined) alerts.set(entry.id, entry);
  }
  return alerts;
}

/**
 * Open alerts: unanswered before answered, then severity, then newest first.
 * @param {(alert: Object) => Object|null} waiting the answer that stands in the log, but that the engine
 *   tells only with its next beat: shown at once, in every window
 */
export function openAlerts(entries, waiting = () => null) {
  const severity = (alert) => {
    const at = SEVERITIES.indexOf(alert.severity);
    return at === -1 ? SEVERITIES.length : at;
  };
  const answered = (alert) => (alert.state === "firing" ? 0 : 1);
  return [...foldAlerts(entries).values()]
    .filter((alert) => !CLOSED.has(alert.state))
    .map((alert) => ({ ...alert, state: (alert.state === "firing" ? waiting(alert)?.state : null) ?? alert.state }))
    .sort((a, b) =>
      answered(a) - answered(b)
      || severity(a) - severity(b)
      || (b.since_ms ?? 0) - (a.since_ms ?? 0)
      || (a.id < b.id ? -1 : 1));
}
