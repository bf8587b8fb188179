/**
 * The feed: one client connection that fills the store and knows how old the figures are.
 *
 * Stale is judged by the as-of time of the newest figure, which the client compares with the
 * server's clock: a dead engine, gateway or network all look the same from here, and a page
 * opened on old figures says so at once.
 */

import { connect } from "./client.js";
import { parseRoom } from "./derive.js";
import { keepToken } from "./token.js";

const STALE_AFTER_MS = 3500;
const RATE_MS = 200;
/** What an operator did is shown in the other windows sooner. */
const ANSWERS_MS = 100;

export class Feed {
  /**
   * @param {{url: string, token: () => string|null, store: Store, onState: (state: string, code?: number) => void}} options
   */
  constructor({ url, token, store, onState }) {
    Object.assign(this, { url, token, store, onState });
    this.channels = new Set();
    this.pending = new Set();
    this.client = null;
    this.state = "connecting";
    this.staleSince = null;
    this.heardAt = null;
  }

  /** Connects; again after a refusal, with whatever token there is then. */
  open() {
    this.client?.close();
    this.client = connect({
      url: this.url,
      token: this.token,
      onToken: keepToken,
      onState: (state, code) => {
        this.state = state;
        if (state !== "closed") this.onState(state, code);
      },
    });
    for (const channel of this.channels) this.#follow(channel);
  }

  /** Adds channels; those known already are left alone. @param {Iterable<string>} channels */
  subscribe(channels) {
    for (const channel of channels) {
      if (this.channels.has(channel)) continue;
      this.channels.add(channel);
      // A log that has no entry yet may answer late: the page is ready without it.
      if (!channel.startsWith("alerts:")) this.pending.add(channel);
      this.#follow(channel);
    }
  }

  /** Rooms the token may see, with the group their boards are kept in. @returns {Promise<Object[]>} */
  async discover() {
    if (this.state !== "open") return [];
    try {
      return roomsOf(await this.client.list("room"), await this.client.list("board"));
    } catch (error) {
      console.info(`no list of rooms: ${error.message}`);
      return [];
    }
  }

  /** Acts on an alert. @param {"ack"|"snooze"|"not_useful"} method @returns {Promise<Object>} */
  act(method, params) {
    return this.client.rpc(method, { id: crypto.randomUUID(), ...params });
  }

  /** Steers the replay. @param {{do: string, speed?: number|null, to_ms?: number}} order @returns {Promise<Object>} */
  steer(order) {
    return this.client.steer(order);
  }

  /** @returns {string|null} channel of the replay that is shown; null: live */
  get replay() {
    return this.client?.welcome?.replay ?? null;
  }

  /** True when the token may steer the replay. */
  get maySteer() {
    return this.client?.welcome?.steer === true;
  }

  /** True when the token may answer alerts. */
  get mayAct() {
    return this.client?.welcome?.rpc !== false;
  }

  /** @returns {{ageMs: number|null, staleSince: number|null}} staleSince: wall-clock ms of the newest figure */
  freshness() {
    const silence = this.heardAt === null ? null : performance.now() - this.heardAt;
    const ageMs = this.client?.ageMs() ?? silence;
    if (ageMs === null) return { ageMs: null, staleSince: null };
    const broken = this.state !== "open" && silence > 1000;
    if (ageMs > STALE_AFTER_MS || broken) this.staleSince ??= Date.now() - ageMs;
    else this.staleSince = null;
    return { ageMs, staleSince: this.staleSince };
  }

  #follow(channel) {
    const { store } = this;
    const heard = () => {
      this.heardAt = performance.now();
    };
    this.client?.subscribe(channel, {
      rateMs: channel.startsWith("answers:") ? ANSWERS_MS : RATE_MS,
      onSnapshot: (data) => {
        this.pending.delete(channel);
        if (Array.isArray(data)) {
          store.restart(channel);
          for (const entry of data) store.append(channel, entry);
        } else {
          store.snapshot(channel, data);
          heard();
        }
      },
      onUpdate: (fields) => {
        store.patch(channel, fields);
        heard();
      },
      onEvent: (entry) => store.append(channel, entry),
      onError: () => {
        this.channels.delete(channel);
        this.pending.delete(channel);
      },
    });
  }
}

/** Room channels as rooms; a room's own product board names its group. */
export function roomsOf(rooms, boards) {
  const groups = new Map();
  for (const { ch } of boards) {
    const found = /^board:([^/]+)\/([^/]+)\/[^@]+@(.+)$/.exec(ch);
    if (found !== null) groups.set(`${found[1]}/${found[3]}`, found[2]);
  }
  return rooms
    .map(({ ch }) => ch.slice("room:".length))
    .sort()
    .map((path) => parseRoom(groups.has(path) ? `${path}@${groups.get(path)}` : path))
    .filter((room) => room !== null);
}
