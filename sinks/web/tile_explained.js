/** What is on air now: the product being explained, what is left of it, what it brings. */

import { boardLines } from "./derive.js";
import { node, setText } from "./dom.js";
import { integer, money } from "./format.js";
import { marksOf } from "./marks.js";
import { etaText } from "./tile_stock.js";
import { face } from "./tile_board.js";

export function explained(ctx, body) {
  const { t, lang } = ctx;
  const cells = {
    face: node("span", { class: "face" }),
    name: node("p", { class: "explained-name", dir: "auto" }),
    left: node("p", { class: "explained-left" }),
    sales: node("p", { class: "explained-sales" }),
  };
  body.append(cells.face, node("div", { class: "explained-text" }, [cells.name, cells.left, cells.sales]));
  const boards = ctx.groups.map((group) => `board:${group}/products_gmv@${ctx.room.id}`);
  return {
    channels: [
      ctx.channel.room(ctx.room), ...boards,
      ...ctx.groups.flatMap((group) => [`stock:${group}`, `names:${group}`]),
    ],
    subjects: () => [{ metric: "gmv_paid", window: "session", channel: null }],
    update() {
      const current = marksOf(ctx, ctx.room).filter((mark) => mark.kind === "explanation" && mark.open).at(-1);
      body.classList.toggle("is-idle", current === undefined);
      if (current === undefined) {
        cells.face.replaceChildren();
        delete cells.face.dataset.wish;
        setText(cells.name, t("nothing_explained"));
        setText(cells.left, "");
        setText(cells.sales, "");
        return ctx.store.fields(ctx.channel.room(ctx.room)).size > 0;
      }
      const named = ctx.named("product", current.id);
      face(cells.face, named);
      setText(cells.name, named.title);
      const pool = ctx.groups.map((group) => ctx.store.get(`stock:${group}`, current.id)).find((one) => one !== null);
      setText(cells.left, pool === undefined ? "" : [t("left", integer(pool.available, lang)), etaText(ctx, pool)].join(" · "));
      const line = boards.flatMap((board) => boardLines(ctx.store.fields(board), 50)).find((one) => one.key === current.id);
      setText(cells.sales, line === undefined ? "" : money(line.value, ctx.currency(), lang));
      return true;
    },
  };
}
