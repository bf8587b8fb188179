/** Entry of the console: role views over one room, or all rooms for the boss. */

import { start } from "./app.js";
import { node, setText } from "./dom.js";
import { CONSOLES } from "./views.js";

const roleOf = (ctx) => (Object.hasOwn(CONSOLES, ctx.query.get("role")) ? ctx.query.get("role") : "operator");

start({
  view: (ctx) => {
    const role = roleOf(ctx);
    ctx.chosen = Math.max(0, ctx.rooms.findIndex((room) => room.room === ctx.query.get("room")));
    return { ...CONSOLES[role], many: role === "boss" };
  },
  links: (ctx) => {
    const rooms = ctx.rooms.length > 1 && ctx.room !== null ? roomPicker(ctx) : null;
    const roles = Object.keys(CONSOLES).map((role) => node("a", {
      href: ctx.link({ role }), text: ctx.t(`role_${role}`), "aria-current": role === roleOf(ctx) ? "page" : null,
    }));
    const screen = node("a", { href: ctx.link({ role: null, room: null }, "/screen"), text: ctx.t("screen") });
    const element = node("nav", { class: "head-nav", "aria-label": ctx.t("role") }, [rooms?.element ?? null, ...roles, screen]);
    return { element, update: rooms?.update };
  },
});

function roomPicker(ctx) {
  const options = ctx.rooms.map((room) => [room, node("option", { value: room.room, selected: room === ctx.room })]);
  const element = node("select", { "aria-label": ctx.t("room") }, options.map(([, option]) => option));
  element.addEventListener("change", () => location.assign(ctx.link({ room: element.value })));
  const update = () => options.forEach(([room, option]) => setText(option, ctx.named("room", room.id, room.group).title));
  update();
  return { element, update };
}
