/** Leaderboards whose rows move when ranks change. */

import { mergeBoards } from "./derive.js";
import { calm, keyed, node, setText, setVar } from "./dom.js";
import { integer, moneyParts } from "./format.js";

const MOVE_MS = 450;

/** @param spec {board: "products_gmv", role: "product", unit: "minor"|"count", limit, own?: true} */
export function board(ctx, body, spec) {
  const { t, lang } = ctx;
  const limit = spec.limit ?? 8;
  const list = node("ol", { class: `board board-${spec.role}` });
  body.append(list);
  ctx.extra.textContent = t(spec.unit === "count" ? "by_units" : "by_gmv");
  const suffix = spec.own === true && ctx.room !== null ? `@${ctx.room.id}` : "";
  const channels = ctx.groups.map((group) => `board:${group}/${spec.board}${suffix}`);
  const fallback = suffix === "" ? [] : ctx.groups.map((group) => `board:${group}/${spec.board}`);
  let order = "";
  const names = ctx.groups.map((group) => `names:${group}`);
  return {
    channels: [...channels, ...fallback, ...names],
    update() {
      const own = mergeBoards(channels.map((channel) => ctx.store.fields(channel)), limit);
      const lines = own.length > 0 ? own : mergeBoards(fallback.map((channel) => ctx.store.fields(channel)), limit);
      const keys = lines.map((line) => line.key).join("\n");
      const places = keys === order || calm() ? null : placesOf(list);
      order = keys;
      const rows = keyed(list, lines, (line) => boardRow(ctx, spec, line));
      // On a board that has only begun nearly all is new: then the mark says nothing.
      const known = lines.filter((line) => line.prev_rank !== null && line.prev_rank !== undefined);
      const fresh = known.length * 2 > lines.length;
      const scale = {
        fresh,
        top: lines[0]?.value ?? 0,
        prefix: sharedPrefix(lines.map((line) => ctx.named(spec.role, line.key).title)),
      };
      for (const line of lines) draw(ctx, spec, rows.get(line.key), line, scale);
      if (places !== null) slide(list, places);
      return lines.length > 0;
    },
  };
}

function boardRow(ctx, spec, line) {
  const whole = node("span");
  const minor = node("span", { class: "board-minor" });
  const cells = {
    rank: node("span", { class: "rank" }),
    move: node("span", { class: "move" }),
    face: node("span", { class: "face" }),
    name: node("span", { class: "board-name", dir: "auto" }),
    units: node("span", { class: "board-units" }),
    value: node("span", { class: "board-value" }, [whole, minor]),
    bar: node("span", { class: "board-bar", "aria-hidden": "true" }),
  };
  return { element: node("li", { "data-key": line.key }, Object.values(cells)), cells: { ...cells, whole, minor } };
}

function draw(ctx, spec, { element, cells }, line, { top, prefix, fresh }) {
  const { t, lang } = ctx;
  const named = ctx.named(spec.role, line.key);
  setText(cells.rank, String(line.rank));
  setText(cells.name, named.title.slice(prefix));
  cells.name.title = named.title;
  face(cells.face, named);
  const amount = spec.unit === "count" ? { whole: integer(line.value, lang), fraction: "" } : moneyParts(line.value, ctx.currency(), lang);
  setText(cells.whole, amount.whole);
  setText(cells.minor, amount.fraction);
  setText(cells.units, spec.unit === "minor" && Number.isInteger(line.units) ? t("units", integer(line.units, lang)) : "");
  setVar(cells.bar, "--part", top > 0 ? Math.max(0, line.value / top).toFixed(4) : "0");
  movement(ctx, cells.move, line, fresh);
  element.classList.toggle("is-own", spec.role === "room" && ctx.room !== null && line.key === ctx.room.id);
}

function movement({ t }, cell, line, fresh) {
  const before = line.prev_rank ?? null;
  const steps = before === null ? null : before - line.rank;
  const kind = steps === null ? (fresh ? "new" : "same") : steps > 0 ? "up" : steps < 0 ? "down" : "same";
  if (cell.dataset.kind === kind && cell.dataset.steps === String(steps)) return;
  cell.dataset.kind = kind;
  cell.dataset.steps = String(steps);
  cell.replaceChildren(
    node("span", { "aria-hidden": "true", text: { new: "✦", up: `▲${steps}`, down: `▼${-(steps ?? 0)}`, same: "" }[kind] }),
    node("span", { class: "sr-only", text: { new: t("fresh"), up: t("up", steps), down: t("down", -(steps ?? 0)), same: t("same") }[kind] }),
  );
}

/** Characters that all titles begin with, up to a separator: "shop · a", "shop · b" share "shop · ". */
export function sharedPrefix(titles) {
  if (titles.length < 2) return 0;
  const found = /^.*?[·|\-—:：]\s*/u.exec(titles[0]);
  if (found === null || !titles.every((title) => title.startsWith(found[0]) && title.length > found[0].length)) return 0;
  return found[0].length;
}

/** A picture of the same origin, or the first letter: the page asks no other host for anything. */
export function face(cell, { title, image }) {
  const wish = image ?? `letter ${title}`;
  if (cell.dataset.wish === wish) return;
  cell.dataset.wish = wish;
  const local = image !== null && new URL(image, location.href).origin === location.origin;
  if (local) {
    const picture = node("img", { src: image, alt: "", loading: "lazy" });
    picture.addEventListener("error", () => picture.replaceWith(letter(title)));
    cell.replaceChildren(picture);
  } else {
    cell.replaceChildren(letter(title));
  }
}

function letter(title) {
  const [first = "·"] = new Intl.Segmenter().segment(title)[Symbol.iterator]();
  return node("span", { class: "letter", dir: "auto", "aria-hidden": "true", text: first.segment ?? first });
}

function placesOf(list) {
  return new Map([...list.children].map((row) => [row, row.offsetTop]));
}

/** Rows glide from where they were: first, last, invert, play. */
function slide(list, places) {
  for (const row of list.children) {
    const before = places.get(row);
    if (before === undefined || before === row.offsetTop) continue;
    row.animate(
      [{ transform: `translateY(${before - row.offsetTop}px)` }, { transform: "none" }],
      { duration: MOVE_MS, easing: "cubic-bezier(0.2, 0, 0, 1)" },
    );
  }
}
