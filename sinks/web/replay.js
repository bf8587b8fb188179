/**
 * The bar of the time machine: where the recording stands, and play, pause, speed, jumps.
 *
 * Shown where the gateway replays a recording (`welcome.replay` names the channel that says where
 * it stands). Without the right to steer it only tells the time.
 */

import { keyed, node, setText, setVar } from "./dom.js";
import { clock } from "./format.js";

const SPEEDS = [1, 4, 16, 60, null];
const MINUTE = 60_000;
const SIGN = { critical: "◆", warning: "▲", info: "●" };

/** @returns {{channel: string, get: (field: string) => *, state: string}|null} null: live */
export function replayOf({ feed, store }) {
  const channel = feed.replay;
  if (channel === null) return null;
  const get = (field) => store.get(channel, field);
  return { channel, get, state: get("state") ?? "playing" };
}

/** Alerts the recording comes to, oldest first. */
function alertsIn(ctx, channel) {
  return [...ctx.store.fields(channel)]
    .filter(([field, value]) => field.startsWith("alert.") && value !== null)
    .map(([field, value]) => ({ key: field, ...value }))
    .sort((a, b) => a.at_ms - b.at_ms || (a.key < b.key ? -1 : 1));
}

/** @returns {{element: HTMLElement, channel: string, update: () => void}} */
export function replayBar(ctx) {
  const { t, feed } = ctx;
  const { channel } = replayOf(ctx);
  const order = (what) => feed.steer(what).catch((error) => setText(note, t("not_sent", error.message)));
  const note = node("span", { class: "replay-note", role: "status" });
  const play = node("button", { class: "button replay-play", type: "button" });
  const time = node("output", { class: "replay-time" });
  const speeds = speedButtons(ctx, order);
  const slider = sliderIn(ctx, order);
  const alerts = alertJumps(ctx, channel, order);
  const controls = [play, speeds.element, time, slider.element, alerts.element, note];
  const element = node("section", { class: "replay", "aria-label": t("replay") }, controls);
  play.addEventListener("click", () => order({ do: replayOf(ctx).state === "playing" ? "pause" : "play" }));
  return {
    element, channel,
    update() {
      const { get, state } = replayOf(ctx);
      element.dataset.state = state;
      element.classList.toggle("read-only", !feed.maySteer);
      setText(play, state === "playing" ? `❚❚ ${t("pause")}` : `▶ ${t("play")}`);
      // Between two places nothing is known of the tape: a press would be a guess.
      play.disabled = state === "ended" || get("state") === null;
      const seeking = get("seeking_ms");
      setText(time, `${clock(seeking ?? get("at_ms"))} / ${clock(get("to_ms"))}`);
      setText(note, seeking === null ? "" : t("seeking"));
      speeds.update(get("speed"));
      slider.update(get, alertsIn(ctx, channel));
      alerts.update(get("at_ms"));
    },
  };
}

function speedButtons({ t }, order) {
  const buttons = SPEEDS.map((speed) => {
    const button = node("button", { class: "button", type: "button", text: speed === null ? t("fastest") : `${speed}×` });
    button.addEventListener("click", () => order({ do: "speed", speed }));
    return button;
  });
  return {
    element: node("div", { class: "replay-speeds", role: "group", "aria-label": t("replay_speed") }, buttons),
    update(now) {
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(SPEEDS[at] === now)));
    },
  };
}

/** Minutes of the recording; what is dragged is not moved by the tape meanwhile. */
function sliderIn({ t }, order) {
  const input = node("input", { type: "range", step: MINUTE, "aria-label": t("replay_minute") });
  const marks = node("ol", { class: "replay-marks", "aria-hidden": "true" });
  let held = false;
  input.addEventListener("input", () => {
    held = true;
    input.setAttribute("aria-valuetext", clock(Number(input.value), false));
    input.title = clock(Number(input.value), false);
  });
  input.addEventListener("change", () => {
    held = false;
    order({ do: "seek", to_ms: Number(input.value) });
  });
  return {
    element: node("div", { class: "replay-slider" }, [marks, input]),
    update(get, alerts) {
      const [from, to] = [get("from_ms"), get("to_ms")];
      if (from === null || to === null) return;
      const first = Math.floor(from / MINUTE) * MINUTE;
      const last = Math.ceil(to / MINUTE) * MINUTE;
      if (input.min !== String(first) || input.max !== String(last)) [input.min, input.max] = [first, last];
      const now = get("seeking_ms") ?? get("at_ms");
      if (!held) {
        input.value = now;
        input.setAttribute("aria-valuetext", clock(now, false));
      }
      setVar(input, "--part", ((now - first) / Math.max(1, last - first)).toFixed(4));
      const lines = keyed(marks, alerts, (alert) => ({ element: node("li", { "data-severity": alert.severity }) }));
      for (const alert of alerts) setVar(lines.get(alert.key).element, "--at", ((alert.at_ms - first) / Math.max(1, last - first)).toFixed(4));
    },
  };
}

/** The alerts as a list to choose from, and the one before and after. */
function alertJumps(ctx, channel, order) {
  const { t, lang } = ctx;
  const list = node("select", { "aria-label": t("replay_alert") });
  const step = (text, label, find) => {
    const button = node("button", { class: "button", type: "button", text, "aria-label": label });
    button.addEventListener("click", () => {
      const at = ctx.store.get(channel, "at_ms");
      const found = find(alertsIn(ctx, channel), at);
      if (found !== undefined) order({ do: "seek", to_ms: found.at_ms });
    });
    return button;
  };
  const before = step("◂ ⚠", t("alert_before"), (all, at) => all.filter((one) => one.at_ms < at).at(-1));
  const after = step("⚠ ▸", t("alert_after"), (all, at) => all.find((one) => one.at_ms > at));
  list.addEventListener("change", () => {
    if (list.value !== "") order({ do: "seek", to_ms: Number(list.value) });
  });
  let shown = null;
  return {
    element: node("div", { class: "replay-alerts" }, [before, list, after]),
    update(at) {
      const alerts = alertsIn(ctx, channel);
      const current = alerts.filter((one) => one.at_ms <= at).at(-1);
      const stamp = `${alerts.length} ${current?.key}`;
      if (stamp === shown || document.activeElement === list) return;
      shown = stamp;
      list.replaceChildren(
        node("option", { value: "", text: t("replay_alerts", alerts.length) }),
        ...alerts.map((alert) => node("option", { value: alert.at_ms, text: optionText(ctx, alert, lang) })),
      );
    },
  };
}

function optionText(ctx, alert, lang) {
  const title = alert[`title_${lang}`] ?? alert.title_en ?? "";
  const named = ["product", "host", "room"].map((role) => ctx.named(role, alert.subject).title).find((name) => name !== alert.subject);
  const text = alert.subject && named !== undefined ? title.replace(alert.subject, () => named) : title;
  return `${clock(alert.at_ms, false)} ${SIGN[alert.severity] ?? ""} ${text}`.slice(0, 80);
}
