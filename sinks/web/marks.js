/**
 * What happened when: explanations, promotions, host changes.
 *
 * Read from the room channel's fields `mark.<start_ms>.<kind>.<id>`, value
 * `{kind: "explanation"|"promo"|"shift", id, start_ms, end_ms|null}`; an open one lasts till now.
 */

import { keyed, node, setText, setVar } from "./dom.js";
import { clock } from "./format.js";

const ROLE = { explanation: "product", promo: "campaign", shift: "host" };

/** @returns {{kind: string, id: string, title: string, start: number, end: number, open: boolean}[]} oldest first */
export function marksOf(ctx, room) {
  const channel = ctx.channel.room(room);
  const now = ctx.store.get(channel, "meta.wm_ms") ?? 0;
  const marks = [];
  for (const [field, value] of ctx.store.fields(channel)) {
    if (!field.startsWith("mark.") || value === null || ROLE[value.kind] === undefined) continue;
    const open = value.end_ms === null || value.end_ms === undefined;
    marks.push({
      kind: value.kind, id: value.id, title: ctx.named(ROLE[value.kind], value.id).title,
      start: value.start_ms, end: open ? Math.max(now - (now % 10_000), value.start_ms) : value.end_ms, open,
    });
  }
  return marks.sort((a, b) => a.start - b.start);
}

/** Who is on camera: the host of the open shift, else of the room. @returns {string|null} id */
export function hostOf(ctx, room) {
  const shift = marksOf(ctx, room).filter((mark) => mark.kind === "shift" && mark.open).at(-1);
  return shift?.id ?? ctx.store.get(ctx.channel.room(room), "meta.host_id");
}

/** Lanes under a time axis: one for each kind there is, a bar with its name for each mark. */
export function lanes(ctx, body) {
  const list = node("ul", { class: "lanes" });
  body.append(list);
  return (marks, from, to) => {
    const kinds = Object.keys(ROLE).filter((kind) => marks.some((mark) => mark.kind === kind));
    const rows = keyed(list, kinds.map((kind) => ({ key: kind })), ({ key }) => {
      const bars = node("ol", { class: "lane-bars" });
      return { bars, element: node("li", { "data-kind": key }, [node("span", { class: "lane-name", text: ctx.t(key) }), bars]) };
    });
    for (const kind of kinds) {
      const shown = marks.filter((mark) => mark.kind === kind && mark.end > from && mark.start < to)
        .map((mark) => ({ key: `${mark.start} ${mark.id}`, ...mark }));
      const bars = keyed(rows.get(kind).bars, shown, () => {
        const text = node("span", { class: "lane-text", dir: "auto" });
        return { text, element: node("li", {}, [text]) };
      });
      for (const mark of shown) {
        const { text, element } = bars.get(mark.key);
        setText(text, mark.title);
        element.title = `${mark.title} ${clock(mark.start, false)} – ${mark.open ? "…" : clock(mark.end, false)}`;
        setVar(element, "--from", (Math.max(0, mark.start - from) / (to - from)).toFixed(4));
        setVar(element, "--to", ((Math.min(to, mark.end) - from) / (to - from)).toFixed(4));
        element.dataset.open = String(mark.open);
      }
    }
  };
}
