/**
 * What happened when: explanations, promotions, host changes.
 *
 * Read from the room channel's fields `mark.<start_ms>.<kind>.<id>`, value
 * `{kind: "explanation"|"promo"|"shift", id, start_ms, end_ms|null}`; an open one lasts till now.
 */

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
