/**
 * The feed: one connection that fills the store and knows how old the figures are.
 *
 * Age needs no agreed clock: the smallest difference ever seen between a frame's time and its
 * arrival is taken as the offset of the server's clock. Silence is measured by the page's own
 * monotonic clock, so that a stopped feed shows as stale whoever stopped it.
 */

import { parseRoom } from "./derive.js";

const PROTOCOL = "lc.v1.json";
const RETRY_MS = [500, 8000];
const STALE_AFTER_MS = 3500;
const SUB_BATCH = 32;

export class Feed {
  /**
   * @param {{url: string, token: () => string|null, store: Store, onState: (state: string, code?: number) => void}} options
   */
  constructor({ url, token, store, onState }) {
    this.url = url;
    this.token = token;
    this.store = store;
    this.onState = onState;
    this.channels = new Map();
    this.calls = new Map();
    this.nextId = 1;
    this.tries = 0;
    this.state = "connecting";
    this.lastData = null;
    this.lastDataWall = null;
    this.asOf = null;
    this.offset = Infinity;
  }

  /** Adds channels; those known already are left alone. @param {Iterable<string>} channels */
  subscribe(channels) {
    const fresh = [...new Set(channels)].filter((channel) => !this.channels.has(channel));
    for (const channel of fresh) this.channels.set(channel, { e: null, s: null });
    if (this.state === "open") this.#sub(fresh);
  }

  open() {
    this.#state("connecting");
    const socket = new WebSocket(this.url, [PROTOCOL]);
    this.socket = socket;
    socket.onopen = () => this.#send({ type: "connect", id: this.nextId++, token: this.token() ?? "", sdk: "page" });
    socket.onmessage = (message) => {
      for (const line of message.data.split("\n")) {
        if (line !== "") this.#frame(JSON.parse(line));
      }
    };
    socket.onclose = (event) => this.#closed(event.code);
  }

  close() {
    this.closing = true;
    this.socket?.close();
  }

  /** Sends one command. @returns {Promise<Object>} the answer; rejects with an Error */
  ask(type, fields) {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (this.state !== "open") {
        reject(new Error("not connected"));
        return;
      }
      this.calls.set(id, { resolve, reject });
      this.#send({ type, id, ...fields });
    });
  }

  /** Rooms the token may see, with the group their boards are kept in. @returns {Promise<Object[]>} */
  async discover() {
    if (this.state !== "open") return [];
    const rooms = await this.ask("list", { kind: "room" });
    const boards = await this.ask("list", { kind: "board" });
    return roomsOf(rooms.channels ?? [], boards.channels ?? []);
  }

  /** Acts on an alert. @param {"ack"|"snooze"|"not_useful"} method */
  act(method, params) {
    return this.ask("rpc", { method, params: { id: crypto.randomUUID(), ...params } });
  }

  /** @returns {{ageMs: number|null, staleSince: number|null}} wall-clock ms of the last figure when stale */
  freshness() {
    if (this.lastData === null) return { ageMs: null, staleSince: null };
    const silence = performance.now() - this.lastData;
    const lag = this.asOf === null ? 0 : Math.max(0, this.lastDataWall - this.asOf - this.offset);
    const stale = silence > STALE_AFTER_MS || (this.state !== "open" && silence > 1000);
    return { ageMs: silence + lag, staleSince: stale ? this.lastDataWall : null };
  }

  #state(state, code) {
    this.state = state;
    this.onState(state, code);
  }

  #send(frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  #sub(channels) {
    for (let at = 0; at < channels.length; at += SUB_BATCH) {
      const subs = channels.slice(at, at + SUB_BATCH).map((ch) => {
        const { e, s } = this.channels.get(ch);
        return e === null ? { ch } : { ch, since: { e, s } };
      });
      this.#send({ type: "sub_many", id: this.nextId++, subs });
    }
  }

  #closed(code) {
    for (const call of this.calls.values()) call.reject(new Error("connection lost"));
    this.calls.clear();
    if (this.closing) return;
    if (code >= 4000 && code < 4100) {
      this.#state("refused", code);
      return;
    }
    this.#state("lost", code);
    const ceiling = Math.min(RETRY_MS[1], RETRY_MS[0] * 2 ** this.tries++);
    setTimeout(() => this.open(), code >= 4200 && code < 4300 ? 0 : Math.random() * ceiling);
  }

  #frame(frame) {
    switch (frame.type) {
      case "connected":
        this.tries = 0;
        this.#state("open");
        this.#sub([...this.channels.keys()]);
        break;
      case "snap":
        this.#snapshot(frame);
        break;
      case "upd":
        this.#update(frame);
        break;
      case "evt":
        this.store.append(frame.ch, frame.data);
        this.channels.get(frame.ch).s = frame.s;
        break;
      case "ping":
        this.#send({ type: "pong", t: frame.t });
        break;
      case "err":
      default:
        this.#answer(frame);
    }
  }

  #snapshot(frame) {
    if (Array.isArray(frame.data)) {
      if (frame.part === 0) this.store.restart(frame.ch);
      for (const item of frame.data) this.store.append(frame.ch, item.data);
    } else if (frame.part === 0) {
      this.store.snapshot(frame.ch, frame.data);
    } else {
      this.store.patch(frame.ch, frame.data);
    }
    this.channels.set(frame.ch, { e: frame.e, s: frame.s });
  }

  #update(frame) {
    const known = this.channels.get(frame.ch);
    if (known.s !== frame.p) {
      this.#send({ type: "resync", id: this.nextId++, ch: frame.ch });
      return;
    }
    known.s = frame.s;
    this.store.patch(frame.ch, frame.d);
    this.#heard(frame.ts);
  }

  #answer(frame) {
    const call = this.calls.get(frame.id);
    if (call === undefined) return;
    this.calls.delete(frame.id);
    if (frame.type === "err") call.reject(new Error(`${frame.code} ${frame.msg}`));
    else call.resolve(frame);
  }

  #heard(ts) {
    this.lastData = performance.now();
    this.lastDataWall = Date.now();
    if (typeof ts !== "number") return;
    this.asOf = ts;
    this.offset = Math.min(this.offset, this.lastDataWall - ts);
  }
}

/** Room channels as rooms; a room's own product board names its group. */
export function roomsOf(rooms, boards) {
  const groups = new Map();
  for (const { ch } of boards.map(named)) {
    const found = /^board:([^/]+)\/([^/]+)\/[^@]+@(.+)$/.exec(ch);
    if (found !== null) groups.set(`${found[1]}/${found[3]}`, found[2]);
  }
  return rooms.map(named)
    .map(({ ch }) => ch.slice("room:".length))
    .sort()
    .map((path) => parseRoom(groups.has(path) ? `${path}@${groups.get(path)}` : path))
    .filter((room) => room !== null);
}

const named = (entry) => (typeof entry === "string" ? { ch: entry } : entry);
