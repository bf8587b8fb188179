/** What frames the tiles: room and host, how fresh the figures are, language, clock. */

import { node, setText } from "./dom.js";
import { clock, decimal, duration } from "./format.js";
import { hostOf } from "./marks.js";
import { replayOf } from "./replay.js";

/** @returns {"live"|"ended"|"waiting"} */
export function statusOf(ctx, room) {
  const status = ctx.store.get(ctx.channel.room(room), "meta.status");
  return status === "live" || status === "ended" ? status : "waiting";
}

/**
 * @param {{element: HTMLElement, update?: () => void}} links
 * @returns {{element: HTMLElement, update: () => void}}
 */
export function header(ctx, links) {
  const title = node("h1", { dir: "auto" });
  const status = node("span", { class: "status" });
  const sub = node("span", { class: "head-sub", dir: "auto" });
  const fresh = node("span", { class: "fresh", role: "status" });
  const time = node("time", { class: "head-clock" });
  const language = node("button", { class: "button", type: "button", text: ctx.t("language"), "aria-label": ctx.t("language_label") });
  language.lang = ctx.lang === "zh" ? "en" : "zh";
  language.addEventListener("click", () => ctx.setLanguage(ctx.lang === "zh" ? "en" : "zh"));
  const element = node("header", { class: "head" }, [
    node("div", { class: "head-who" }, [title, status, sub]),
    links.element,
    node("div", { class: "head-side" }, [fresh, language, time]),
  ]);
  return {
    element,
    update() {
      if (ctx.room === null) cockpitHead(ctx, title, status, sub);
      else roomHead(ctx, title, status, sub);
      if (document.title !== `${title.textContent} · liveroom`) document.title = `${title.textContent} · liveroom`;
      links.update?.();
      freshness(ctx, fresh);
      setText(time, clock(replayOf(ctx)?.get("at_ms") ?? Date.now()));
    },
  };
}

/** What is on air; a recording never says that it is. */
function badge(ctx, status, state, text) {
  const replayed = replayOf(ctx) !== null;
  setText(status, replayed ? ctx.t("replay") : text);
  status.dataset.status = replayed ? "replay" : state;
}

function roomHead(ctx, title, status, sub) {
  const { t, store, room } = ctx;
  const channel = ctx.channel.room(room);
  const state = statusOf(ctx, room);
  setText(title, store.get(channel, "meta.title") ?? ctx.named("room", room.id, room.group).title);
  title.title = title.textContent;
  badge(ctx, status, state, t(state));
  const host = hostOf(ctx, room);
  const start = store.get(channel, "meta.start_ms");
  const now = store.get(channel, "meta.wm_ms");
  const end = store.get(channel, "meta.end_ms");
  const time = state === "ended" ? (end === null ? null : t("ended_at", clock(end)))
    : start === null || now === null ? null : t("elapsed", duration((now - start) / 1000));
  const parts = [host === null ? null : t("host_is", ctx.named("host", host, room.group).title), time];
  setText(sub, parts.filter((part) => part !== null).join(" · "));
}

function cockpitHead(ctx, title, status, sub) {
  const live = ctx.rooms.filter((room) => statusOf(ctx, room) === "live").length;
  setText(title, ctx.t("cockpit"));
  badge(ctx, status, live > 0 ? "live" : "waiting", live > 0 ? `${ctx.t("live")} ${live}` : ctx.t("waiting"));
  setText(sub, ctx.t("cockpit_rooms", ctx.rooms.length));
}

const SIGN = { fresh: "●", stale: "▲", final: "■", waiting: "○", paused: "❚❚" };

/** Age while the feed runs, "stale since" when it stops; a finished session is neither. */
function freshness(ctx, element) {
  const { t, feed } = ctx;
  const { ageMs, staleSince } = feed.freshness();
  const shown = ctx.room === null ? ctx.rooms : [ctx.room];
  const ended = shown.length > 0 && shown.every((room) => statusOf(ctx, room) === "ended");
  let kind = "fresh";
  let text;
  if (feed.state === "refused") [kind, text] = ["stale", t("refused", feed.refusal ?? "")];
  else if (ageMs === null) [kind, text] = ["waiting", t("connecting")];
  else if (ended && feed.state === "open") [kind, text] = ["final", t("final_data")];
  else if (feed.state === "open" && ["paused", "ended"].includes(replayOf(ctx)?.state)) [kind, text] = ["paused", t("replay_paused")];
  else if (staleSince !== null) [kind, text] = ["stale", t("stale", clock(staleSince))];
  else text = t("age", decimal(ageMs / 1000, 1, ctx.lang));
  if (element.dataset.kind !== kind) {
    element.dataset.kind = kind;
    element.setAttribute("aria-live", kind === "fresh" ? "off" : "polite");
    document.body.dataset.fresh = kind;
  }
  setText(element, `${SIGN[kind]} ${text}`);
}
