/** The cockpit's cards: one per room, GMV, online with its last half hour, conversion, alerts. */

import { openAlerts } from "./derive.js";
import { keyed, node, setText } from "./dom.js";
import { figure, integer, moneyParts, scalar } from "./format.js";
import { hostOf } from "./marks.js";
import { spark, SPARK_ROOMS } from "./spark.js";
import { statusOf } from "./shell.js";

/** More cards than this do not fit a screen: the others, the smallest, are counted. */
const MOST_CARDS = 24;
/** More than this are drawn small, without their past. */
const LARGE_CARDS = 9;
const FACTS = ["online_now", "orders_paid", "cvr_view", "view_uv", "aov_order", "refund_rate"];

export function cards(ctx, body) {
  const { catalogue } = ctx;
  const list = node("ul", { class: "cards" });
  body.append(list);
  const sparks = ctx.rooms.length <= Math.min(SPARK_ROOMS, LARGE_CARDS);
  list.classList.toggle("many", ctx.rooms.length > LARGE_CARDS);
  const metrics = (ctx.rooms.length <= 3 ? FACTS : FACTS.slice(0, 3)).filter((name) => catalogue.has(name));
  return {
    channels: [
      ...ctx.rooms.map((room) => ctx.channel.room(room)),
      ...(sparks ? ctx.rooms.map((room) => ctx.channel.hist(room)) : []),
      ...ctx.groups.flatMap((group) => [`names:${group}`, `alerts:${group}`]),
    ],
    subjects: () => ["gmv_paid", ...metrics].map((metric) => ({ metric, window: "session", channel: null })),
    update() {
      const alerts = openAlerts(ctx.groups.flatMap((group) => ctx.store.log(`alerts:${group}`)));
      const rooms = [...ctx.rooms].map((room) => ({ key: room.room, room, gmv: gmvOf(ctx, room) }))
        .sort((a, b) => (b.gmv ?? -1) - (a.gmv ?? -1) || (a.key < b.key ? -1 : 1));
      const hidden = rooms.splice(MOST_CARDS).length;
      ctx.extra.textContent = hidden > 0 ? ctx.t("more", integer(hidden, ctx.lang)) : "";
      const elements = keyed(list, rooms, (item) => card(ctx, item.room, metrics, sparks));
      for (const { key, room } of rooms) {
        elements.get(key).show(alerts.filter((alert) => alert.room_id === room.id && alert.tenant === room.tenant));
      }
      return rooms.length > 0;
    },
  };
}

const gmvOf = (ctx, room) => scalar(ctx.store.get(ctx.channel.room(room), "session.gmv_paid"));

function card(ctx, room, metrics, sparks) {
  const { t, lang, catalogue } = ctx;
  const channel = ctx.channel.room(room);
  const title = node("a", { class: "card-title", href: ctx.link({ rooms: room.text }), dir: "auto" });
  const status = node("span", { class: "status" });
  const host = node("span", { class: "card-host", dir: "auto" });
  const whole = node("span", { class: "value" });
  const minor = node("span", { class: "value-minor" });
  const trend = spark();
  const facts = metrics.map((metric) => {
    const value = node("dd");
    return { metric, value, element: node("div", {}, [node("dt", { text: t(`card_${metric}`), title: catalogue.title(metric, lang) }), value]) };
  });
  const badge = node("span", { class: "card-alerts" });
  const element = node("li", { class: "card", "data-room": room.room }, [
    node("div", { class: "card-head" }, [title, status]), node("div", { class: "card-sub" }, [host, badge]),
    node("p", { class: "value-line" }, [whole, minor]), sparks ? trend.element : null,
    node("dl", {}, facts.map((fact) => fact.element)),
  ]);
  const show = (alerts) => {
    const state = statusOf(ctx, room);
    setText(title, ctx.store.get(channel, "meta.title") ?? ctx.named("room", room.id, room.group).title);
    title.title = title.textContent;
    setText(status, t(state));
    status.dataset.status = state;
    const hostId = hostOf(ctx, room);
    setText(host, hostId === null ? "" : t("host_is", ctx.named("host", hostId, room.group).title));
    const currency = ctx.store.get(channel, "meta.currency") ?? ctx.currency();
    const money = moneyParts(gmvOf(ctx, room), currency, lang);
    setText(whole, money.whole);
    setText(minor, money.fraction);
    for (const fact of facts) {
      setText(fact.value, figure(ctx.store.get(channel, `session.${fact.metric}`), catalogue.unit(fact.metric), currency, lang));
    }
    setText(badge, alerts.length === 0 ? "" : `▲ ${t("open_alerts", integer(alerts.length, lang))}`);
    badge.dataset.severity = alerts[0]?.severity ?? "";
    if (sparks) trend.draw([ctx.store.fields(ctx.channel.hist(room))], "online_now");
  };
  return { element, show };
}
