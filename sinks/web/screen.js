/** Entry of the big screen: one room, or the cockpit of many. */

import { start } from "./app.js";
import { node } from "./dom.js";
import { SCREENS } from "./views.js";

start({
  view: (ctx) => (ctx.rooms.length === 1 ? SCREENS.room : { ...SCREENS.cockpit, many: true }),
  links: (ctx) => ({
    element: node("nav", { class: "head-nav" }, [node("a", { href: ctx.link({}, "/console"), text: ctx.t("console") })]),
  }),
});
