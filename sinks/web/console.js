/** Entry of the console: role views over one room, or all rooms for the boss. */

import { start } from "./app.js";
import { node } from "./dom.js";
import { CONSOLES } from "./views.js";

const roleOf = (ctx) => (Object.hasOwn(CONSOLES, ctx.query.get("role")) ? ctx.query.get("role") : "operator");

start({
  view: (ctx) => {
    const role = roleOf(ctx);
    ctx.chosen = Math.max(0, ctx.rooms.findIndex((room) => room.room === ctx.query.get("room")));
    return { ...CONSOLES[role], many: role === "boss" };
  },
  links: (ctx) => node("nav", { class: "head-nav", "aria-label": ctx.t("role") }, [
    ...(ctx.rooms.length > 1 && ctx.room !== null ? [roomPicker(ctx)] : []),
    ...Object.keys(CONSOLES).map((role) => node("a", {
      href: ctx.link({ role }), text: ctx.t(`role_${role}`), "aria-current": role === roleOf(ctx) ? "page" : null,
    })),
    node("a", { href: ctx.link({ role: null }, "/screen"), text: ctx.t("screen") }),
  ]),
});

function roomPicker(ctx) {
  const select = node("select", { "aria-label": ctx.t("room") }, ctx.rooms.map((room) => node("option", {
    value: room.room, selected: room === ctx.room, text: ctx.named("room", room.id, room.group).title,
  })));
  select.addEventListener("change", () => location.assign(ctx.link({ room: select.value })));
  return select;
}
