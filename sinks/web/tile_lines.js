/** Boards of what viewers say and buy together: any board of the catalogue, its figures by their units. */

import { boardLines } from "./derive.js";
import { keyed, node, setText } from "./dom.js";
import { figure } from "./format.js";

/** @param spec {board: "keywords", limit, compact?: fields shown on a narrow tile; absent: a table of all} */
export function lines(ctx, body, spec) {
  const entry = ctx.catalogue.board(spec.board);
  const columns = spec.compact === undefined ? entry.columns : spec.compact.map((field) => entry.columns.find((one) => one.field === field));
  const channel = ctx.channel.own(ctx.room, spec.board);
  const drawn = spec.compact === undefined ? table(ctx, body, columns) : list(ctx, body, columns);
  return {
    channels: [channel, ctx.channel.room(ctx.room), ...ctx.groups.map((group) => `names:${group}`)],
    subjects: () => [{ board: entry }],
    update() {
      const rows = boardLines(ctx.store.fields(channel), spec.limit ?? 40).filter(({ key }) => typeof key === "string");
      const elements = keyed(drawn.parent, rows, ({ key }) => drawn.row(key));
      rows.forEach((line, at) => {
        const { rank, name, cells } = elements.get(line.key);
        setText(rank, String(at + 1));
        say(name, title(ctx, entry, line));
        columns.forEach((column, place) => {
          setText(cells[place], figure(line[column.field], column.unit, ctx.currency(), ctx.lang));
        });
      });
      return rows.length > 0;
    },
  };
}

/** A term as it is; of a pair the products' names. @returns {string[]} */
function title(ctx, entry, line) {
  if (entry.keys !== "pair") return [line.key];
  return [line.a, line.b].map((product) => ctx.named("product", product).title);
}

/** Both halves of a pair are shortened alike where there is no room. */
function say(name, parts) {
  const whole = parts.join(" + ");
  if (name.title === whole) return;
  name.title = whole;
  name.replaceChildren(...parts.map((part, at) => node("span", { class: "line-part", dir: "auto", text: at === 0 ? part : `+ ${part}` })));
}

function list({ lang, extra }, body, columns) {
  const parent = node("ol", { class: "lines" });
  body.append(parent);
  setText(extra, columns.map((column) => column[`title_${lang}`]).at(0));
  return {
    parent,
    row() {
      const rank = node("span", { class: "rank" });
      const name = node("span", { class: "line-name", dir: "auto" });
      const cells = columns.map(() => node("span", { class: "line-value" }));
      return { rank, name, cells, element: node("li", {}, [rank, name, ...cells.toReversed()]) };
    },
  };
}

function table({ t, lang }, body, columns) {
  const parent = node("tbody");
  const heads = columns.map((column) => node("th", { scope: "col", text: column[`title_${lang}`], title: column.formula }));
  const first = node("th", { scope: "col" }, [node("span", { class: "sr-only", text: t("board_name") })]);
  body.append(node("div", { class: "scroll", tabindex: "0" }, [
    node("table", {}, [node("thead", {}, [node("tr", {}, [first, ...heads])]), parent]),
  ]));
  return {
    parent,
    row() {
      const rank = node("span", { class: "rank" });
      const name = node("span", { class: "line-name", dir: "auto" });
      const cells = columns.map(() => node("td"));
      const head = node("th", { scope: "row" }, [rank, name]);
      return { rank, name, cells, element: node("tr", {}, [head, ...cells]) };
    },
  };
}
