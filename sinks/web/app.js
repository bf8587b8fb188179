/** Wires a page: parameters, catalogue, feed, tiles, and when they are drawn. */

import { Catalogue, loadCatalogue } from "./catalogue.js";
import { loadCharts } from "./chart.js";
import { parseRoom } from "./derive.js";
import { node } from "./dom.js";
import { Feed } from "./feed.js";
import { chooseLanguage, speaker } from "./i18n.js";
import { replayBar } from "./replay.js";
import { header } from "./shell.js";
import { Store } from "./store.js";
import { mountTile } from "./tile.js";
import { askToken, readToken } from "./token.js";
import { tilesOf } from "./views.js";

const DRAW_MS = 250;
/** Charts are not waited with for longer, whatever channel is missing. */
const CHARTS_MS = 3000;
/** A page without rooms in its address looks for new ones. */
const ROOMS_MS = 5000;

/**
 * Starts a page.
 * @param {{view: (page: Object) => {layout: string, tiles: Object[]}, links: (ctx: Object) => {element: HTMLElement, update?: () => void}}} page
 */
export async function start(page) {
  const query = new URLSearchParams(location.search);
  const store = new Store();
  const feed = new Feed({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
    token: readToken, store, onState: (state, code) => app.onState(state, code),
  });
  const app = new App(page, query, store, feed);
  feed.open();
  // Figures are asked for while the catalogue is still on its way.
  feed.subscribe(app.rooms.map((room) => `room:${room.room}`));
  app.catalogue = await loadCatalogue();
  await app.findRooms();
  app.build();
  app.run();
}

class App {
  constructor(page, query, store, feed) {
    Object.assign(this, { page, query, store, feed });
    this.catalogue = new Catalogue(null);
    this.lang = chooseLanguage(query.get("lang"), localStorage.getItem("liveroom.lang"), navigator.language);
    this.tiles = [];
    this.rooms = (query.get("rooms") ?? "").split(",").map((text) => parseRoom(text.trim())).filter((room) => room !== null);
  }

  /** Rooms of the address, else all the token may see, those that open later too. */
  async findRooms() {
    if (this.rooms.length === 0) setInterval(() => this.lookForRooms(), ROOMS_MS);
    while (this.rooms.length === 0) {
      this.rooms = await this.feed.discover();
      if (this.rooms.length > 0) break;
      this.wait();
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  async lookForRooms() {
    if (this.tiles.length === 0 || document.hidden) return;
    const found = await this.feed.discover();
    const known = new Set(this.rooms.map((room) => room.text));
    if (found.every((room) => known.has(room.text))) return;
    this.rooms = found;
    this.build();
  }

  wait() {
    const t = speaker(this.lang);
    document.querySelector("#page").replaceChildren(node("p", { class: "waiting", role: "status", text: t("no_rooms") }));
  }

  onState(state, code) {
    this.feed.refusal = code;
    if (state === "refused") askToken(speaker(this.lang), this.feed);
  }

  build() {
    for (const tile of this.tiles) tile.dispose();
    document.documentElement.lang = this.lang === "zh" ? "zh-CN" : "en";
    const ctx = this.context();
    const view = this.page.view(ctx);
    ctx.room = view.many === true ? null : (ctx.rooms[ctx.chosen] ?? ctx.rooms[0]);
    this.head = header(ctx, this.page.links(ctx));
    const specs = tilesOf(view, this.catalogue);
    this.tiles = specs.map((spec) => ({ spec, ...mountTile(ctx, spec) }));
    const main = node("main", { id: "main", class: view.layout, tabindex: "-1" }, areas(this.tiles));
    const skip = node("a", { class: "skip", href: "#main", text: ctx.t("skip") });
    document.querySelector("#page").replaceChildren(skip, this.head.element, main);
    this.ctx = ctx;
    this.bar = null;
    this.head.update();
    this.feed.subscribe(this.tiles.flatMap((tile) => [...tile.channels]));
    this.feed.subscribe([...rooms(ctx), ...ctx.groups.map((group) => `names:${group}`)]);
  }

  /** The bar of a replay, once the gateway has said that it is one. */
  addBar() {
    if (this.feed.replay === null) return null;
    const bar = replayBar(this.ctx);
    document.querySelector("#page").append(bar.element);
    this.feed.subscribe([bar.channel]);
    return bar;
  }

  context() {
    const { store, catalogue, lang, rooms, feed } = this;
    const groups = [...new Set(rooms.map((room) => room.group))];
    const named = (role, id, group) => this.named(group === undefined ? groups : [group], role, id);
    const ctx = {
      store, catalogue, lang, rooms, groups, feed, named, t: speaker(lang), room: null, query: this.query,
      channel: {
        room: (room) => `room:${room.room}`,
        hist: (room) => `hist:${room.room}`,
        products: (room) => `hist:${room.room}/product`,
        own: (room, board) => `board:${room.group}/${board}@${room.id}`,
        split: (room, dimension) => `split:${room.room}/${dimension}`,
      },
      currency: () => store.get(`room:${(ctx.room ?? rooms[0]).room}`, "meta.currency") ?? "CNY",
      link: (changes) => this.link(changes),
      setLanguage: (next) => this.setLanguage(next),
    };
    return ctx;
  }

  named(groups, role, id) {
    for (const group of groups) {
      const entry = this.store.get(`names:${group}`, `${role}.${id}`);
      if (entry !== null) return { title: entry.title || id, image: entry.image || null };
    }
    return { title: String(id), image: null };
  }

  /** This address with some parameters changed; the token is in the session storage. */
  link(changes, path = location.pathname) {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    return `${path}?${query.toString().replaceAll("%2F", "/").replaceAll("%2C", ",")}`;
  }

  setLanguage(lang) {
    this.lang = lang;
    localStorage.setItem("liveroom.lang", lang);
    this.query.delete("lang");
    this.build();
    document.querySelector(".head-side .button")?.focus();
  }

  /**
   * Draws what changed four times a second; a hidden page draws nothing. Until every channel was
   * drawn once, each frame draws what has come: nobody waits a quarter of a second for the first.
   */
  run() {
    let second = -1;
    const draw = () => {
      if (document.hidden) return;
      const dirty = this.store.takeDirty();
      const now = Math.floor(performance.now() / 1000);
      for (const tile of this.tiles) {
        if (touches(tile.channels, dirty) || (tile.everySecond && now !== second)) tile.update();
      }
      second = now;
      this.bar ??= this.addBar();
      this.bar?.update();
      this.head.update();
      document.body.dataset.ready = String(this.feed.pending.size === 0);
    };
    setInterval(draw, DRAW_MS);
    document.addEventListener("visibilitychange", draw);
    const began = performance.now();
    const first = () => {
      draw();
      const ready = document.body.dataset.ready === "true";
      if (!ready) requestAnimationFrame(first);
      if (ready || performance.now() - began > CHARTS_MS) requestAnimationFrame(() => setTimeout(loadCharts));
    };
    first();
  }
}

/** Channels the head of the page reads. */
const rooms = (ctx) => (ctx.room === null ? ctx.rooms : [ctx.room]).map((room) => ctx.channel.room(room));

function touches(channels, dirty) {
  for (const channel of dirty) {
    if (channels.has(channel)) return true;
  }
  return false;
}

/** Tiles of one area share a box, in order. */
function areas(tiles) {
  const boxes = new Map();
  for (const { spec, element } of tiles) {
    if (!boxes.has(spec.area)) boxes.set(spec.area, node("div", { class: `area area-box-${spec.area}` }));
    boxes.get(spec.area).append(element);
  }
  return [...boxes.values()];
}
