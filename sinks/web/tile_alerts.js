/** Alerts: the console's list with evidence and answers, the big screen's quiet line. */

import { openAlerts } from "./derive.js";
import { keyed, node, setText } from "./dom.js";
import { windowName } from "./explain.js";
import { clock, estimate, figure, integer, NONE, percent, scalar } from "./format.js";
import { has } from "./i18n.js";

const SIGN = { critical: "◆", warning: "▲", info: "●" };
const ANSWERS = ["ack", "snooze", "not_useful"];
const SNOOZE_MS = 600_000;

/** Open alerts of the page's rooms (and those of the group as a whole). */
function ours(ctx, spec) {
  const rooms = new Set(ctx.rooms.map((room) => room.id));
  const all = ctx.groups.flatMap((group) => ctx.store.log(`alerts:${group}`));
  const waiting = (alert) => ctx.store.get(`answers:${alert.tenant}/${alert.group ?? alert.tenant}`, `answer.${alert.id}`);
  return openAlerts(all, waiting).filter((alert) =>
    (alert.room_id === null || alert.room_id === undefined || rooms.has(alert.room_id))
    && (spec.roles === undefined || spec.roles.includes(alert.role)));
}

function channelsOf(ctx) {
  return ctx.groups.flatMap((group) => [`alerts:${group}`, `answers:${group}`, `names:${group}`]);
}

/** The rule's words, with the subject's name in place of its id. */
function titleOf(ctx, alert) {
  const text = alert[`title_${ctx.lang}`] ?? alert.title_en ?? alert.rule;
  return alert.subject ? text.replace(alert.subject, () => subjectName(ctx, alert)) : text;
}

/** What an alert is about, by name: a product, a host or a room. */
function subjectName(ctx, { subject }) {
  for (const role of ["product", "host", "room"]) {
    const { title } = ctx.named(role, subject);
    if (title !== subject) return title;
  }
  return subject;
}

function badge(ctx, alert) {
  const kind = alert.severity in SIGN ? alert.severity : "info";
  return node("span", { class: "badge", "data-severity": kind }, [
    node("span", { "aria-hidden": "true", text: SIGN[kind] }), node("span", { text: ctx.t(kind) }),
  ]);
}

/** Where it is: room and subject by their names. */
function placeOf(ctx, alert) {
  const room = alert.room_id ? ctx.named("room", alert.room_id).title : "";
  const plain = alert.subject && alert.subject !== alert.room_id && alert.subject !== alert.group;
  const named = plain && !titleOf(ctx, alert).includes(subjectName(ctx, alert)) ? subjectName(ctx, alert) : "";
  return [ctx.rooms.length > 1 ? room : "", named].filter((part) => part !== "").join(" · ");
}

/** One line for all: the most urgent alerts, nothing that runs across the screen. */
export function alertTicker(ctx, body, spec) {
  const list = node("ul", { class: "ticker", "aria-live": "polite" });
  const quiet = node("p", { class: "quiet" }, [
    node("span", { "aria-hidden": "true", text: "✓ " }), node("span", { text: ctx.t("all_quiet") }),
  ]);
  const more = node("span", { class: "ticker-more" });
  body.append(list, quiet, more);
  return {
    channels: channelsOf(ctx),
    update() {
      const alerts = ours(ctx, spec);
      // Names may come after the alert: what is shown is part of the key.
      const shown = alerts.slice(0, spec.limit ?? 3).map((alert) => {
        const [title, place] = [titleOf(ctx, alert), placeOf(ctx, alert)];
        return { alert, title, place, key: JSON.stringify([alert.id, alert.state, title, place]) };
      });
      keyed(list, shown, ({ alert, title, place }) => {
        const element = node("li", { "data-severity": alert.severity }, [
          badge(ctx, alert),
          node("span", { class: "ticker-title", text: title, title, dir: "auto" }),
          place === "" ? null : node("span", { class: "ticker-place", text: place, title: place, dir: "auto" }),
          node("span", { class: "ticker-time", text: clock(alert.since_ms, false) }),
        ]);
        return { element };
      });
      quiet.hidden = shown.length > 0;
      setText(more, alerts.length > shown.length ? ctx.t("more", integer(alerts.length - shown.length, ctx.lang)) : "");
      return true;
    },
  };
}

/** The console's list: value against baseline, cause, what to do, and three answers. */
export function alertList(ctx, body, spec) {
  const list = node("ol", { class: "alerts", "aria-live": "polite" });
  const quiet = node("p", { class: "quiet" }, [
    node("span", { "aria-hidden": "true", text: "✓ " }), node("span", { text: ctx.t("all_quiet") }),
  ]);
  body.append(list, quiet);
  return {
    channels: channelsOf(ctx),
    update() {
      const alerts = ours(ctx, spec).slice(0, spec.limit ?? 50).map((alert) => ({ ...alert, key: alert.id }));
      const rows = keyed(list, alerts, (alert) => alertRow(ctx, alert, spec));
      for (const alert of alerts) rows.get(alert.key).show(alert);
      list.classList.toggle("read-only", !ctx.feed.mayAct);
      quiet.hidden = alerts.length > 0;
      ctx.extra.textContent = alerts.length === 0 ? "" : ctx.t("open_alerts", integer(alerts.length, ctx.lang));
      return true;
    },
  };
}

function alertRow(ctx, first, spec) {
  const { t } = ctx;
  const head = node("div", { class: "alert-head" });
  const place = node("p", { class: "alert-place", dir: "auto" });
  const evidence = node("p", { class: "alert-evidence" });
  const action = node("p", { class: "alert-action" });
  const result = node("span", { class: "alert-result", role: "status" });
  const buttons = ANSWERS.map((method) => {
    const button = node("button", { class: "button", type: "button", text: t(method), "data-method": method });
    button.addEventListener("click", () => answer(ctx, first, method, result));
    return button;
  });
  const foot = node("div", { class: "alert-foot" }, [...buttons, result]);
  const element = node("li", { "data-id": first.id }, [head, place, evidence, action, spec.answers === false ? null : foot]);
  let shown = null;
  const show = (alert) => {
    const [title, where, seen] = [titleOf(ctx, alert), placeOf(ctx, alert), evidenceOf(ctx, alert)];
    const stamp = JSON.stringify([alert, title, where, seen]);
    if (stamp === shown) return;
    shown = stamp;
    element.dataset.severity = alert.severity;
    element.dataset.state = alert.state;
    const state = has(`state_${alert.state}`) ? t(`state_${alert.state}`) : alert.state;
    head.replaceChildren(
      badge(ctx, alert), node("h3", { text: title, title, dir: "auto" }),
      node("span", { class: "alert-state", text: `${state} · ${t("since", clock(alert.since_ms))}` }),
    );
    setText(place, where);
    setText(evidence, seen);
    const advice = alert[`action_${ctx.lang}`] ?? alert.action_en ?? "";
    setText(action, advice === "" ? "" : `${t("action")}: ${advice}`);
    if (alert.state !== "firing") setText(result, "");
  };
  return { element, show };
}

/** Value, baseline, numerator and denominator, window, cause: what the rule saw. */
function evidenceOf(ctx, alert) {
  const { t, lang } = ctx;
  const unit = ctx.catalogue.unit(alert.metric ?? "");
  const show = (value) => {
    const number = scalar(value);
    if (number === null) return NONE;
    if (/_s$/.test(alert.metric ?? "")) return estimate(number, ctx.t);
    if (unit !== "") return figure(number, unit, ctx.currency(), lang);
    const share = typeof alert.den === "number" && Math.abs(number) <= 1;
    return share ? percent(number, lang) : figure(number, Number.isInteger(number) ? "count" : "", ctx.currency(), lang);
  };
  const parts = [t("value_now", show(alert.value))];
  if (scalar(alert.baseline) !== null) parts.push(t("baseline_is", show(alert.baseline)));
  if (typeof alert.num === "number" && typeof alert.den === "number") {
    parts.push(`${integer(alert.num, lang)} / ${integer(alert.den, lang)}`);
  }
  if (alert.window) parts.push(windowName(ctx, alert.window));
  if (alert.contributor) parts.push(t("contributor", causeOf(ctx, alert.contributor)));
  return parts.join(" · ");
}

function causeOf(ctx, { dimension, key, share }) {
  const spoken = dimension === "channel" && has(`channel_${key}`) ? ctx.t(`channel_${key}`) : ctx.named(dimension, key).title;
  return typeof share === "number" ? `${spoken} ${percent(share, ctx.lang, 0)}` : spoken;
}

async function answer(ctx, alert, method, result) {
  const params = { tenant: alert.tenant, alert_id: alert.id };
  if (alert.group && alert.group !== alert.tenant) params.group = alert.group;
  if (method === "snooze") params.snooze_ms = SNOOZE_MS;
  try {
    await ctx.feed.act(method, params);
    setText(result, ctx.t("sent"));
  } catch (error) {
    setText(result, ctx.t("not_sent", error.message));
  }
}
