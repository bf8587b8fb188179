/**
 * The JavaScript client of the gateway: one ES module, no dependencies. Protocol: docs/protocol.md.
 *
 *   import { connect } from "./client.js";
 *   const connection = connect({ url: "ws://host/ws", token, onState: (state, code) => … });
 *   const room = connection.subscribe("room:t1/r1", {
 *     rateMs: 200,                                   // 100, 200 or 500; logs come at once
 *     onSnapshot: (data, channel) => …,              // state: {field: value}; log: [entry, …]
 *     onUpdate: (fields, channel) => …,              // state: changed fields, null = deleted
 *     onEvent: (entry, channel) => …,                // log: one entry
 *     onGap: ({ lost, reason }, channel) => …,       // announced loss; a snapshot follows
 *     onError: ({ code, name, msg }, channel) => …,  // refused for good: see the error table
 *   });
 *   room.data;                        // newest state, {field: value}, after each callback
 *   room.close();
 *   connection.ageMs();               // age of the newest figures; clock-skew free; null: none yet
 *   connection.silenceMs();           // ms since the last frame of any kind; null: none yet
 *   await connection.rpc("ack", { id, tenant, group, alert_id });    // also snooze, not_useful
 *   await connection.steer({ do: "seek", to_ms });                   // a replay: play, pause, speed, seek
 *   await connection.list("room");    // [{ch: "room:t1/r1", group, …}, …] that the token covers
 *   connection.setToken(fresh);       // refreshes in place, and is used at the next connect
 *   connection.welcome;               // last `connected` frame: role, rpc, ttl_s, limits, …
 *   connection.state;                 // see State
 *   connection.close();
 *
 * It reconnects with full jitter inside the server's window, resumes from {epoch, sequence},
 * and asks for a resync when the chain of predecessors is broken. When the browser froze the
 * page or the network came back, the connection is checked at once instead of after the timer.
 *
 * @typedef {"connecting"|"open"|"lost"|"refused"|"closed"} State lost: tries again by itself;
 *   refused: never again with this token (code 40xx)
 * @typedef {{code: number, name: string, msg: string, temp: boolean, retry_ms?: number}} ErrorFrame
 * @typedef {{lost: number|null, reason: "trim"|"epoch"|"start"}} Gap
 * @typedef {{rateMs?: number,
 *   onSnapshot?: (data: Object|Array<Object>, channel: string) => void,
 *   onUpdate?: (fields: Object, channel: string) => void,
 *   onEvent?: (entry: Object, channel: string) => void,
 *   onGap?: (gap: Gap, channel: string) => void,
 *   onError?: (error: ErrorFrame, channel: string) => void}} Handlers
 * @typedef {{url: string, token: string|(() => string|null),
 *   onState?: (state: State, code?: number) => void,
 *   onToken?: (token: string) => void}} Options onToken: the token was renewed, keep the new one
 */

export const SUBPROTOCOL = "lc.v1.json";

const MS = { silence: 10_000, probe: 5_000, watch: 1_000, call: 15_000 };

/** Opens a connection that stays. @param {Options} options @returns {Connection} */
export function connect(options) {
  const connection = new Connection(options);
  connection.open();
  return connection;
}

/** What to do after a close code. @param {number} code @returns {"never"|"back_off"|"now"} */
export function verdictOf(code) {
  if (code >= 4000 && code < 4100) return "never";
  if (code >= 4200 && code < 4300) return "now";
  return "back_off";
}

/**
 * Milliseconds to wait before the next try; full jitter.
 * @param {{min_ms: number, max_ms: number, first_ms: number[]}} window from `connected`
 * @param {number} tries lost connections in a row, from 1
 * @param {number} code close code @param {number} chance uniform in [0, 1)
 * @returns {number|null} null: never
 */
export function retryMs(window, tries, code, chance) {
  const verdict = verdictOf(code);
  if (verdict === "never") return null;
  if (tries <= 1) {
    const [low, high] = window.first_ms;
    return verdict === "now" ? chance * window.min_ms : low + chance * (high - low);
  }
  return chance * Math.min(window.max_ms, window.min_ms * 2 ** Math.min(tries - 1, 10));
}

/** One channel: newest data and place in its sequence. */
export class Channel {
  /** @param {Connection} connection @param {string} name @param {Handlers} handlers */
  constructor(connection, name, handlers) {
    Object.assign(this, { connection, name, handlers, kind: "state", epoch: "", seq: 0 });
    Object.assign(this, { asOfMs: null, gaps: 0, resyncs: 0, started: false, waiting: true });
    /** @type {Object<string, *>} */
    this.data = {};
    this.parts = [];
  }

  /** Ends the subscription. */
  close = () => this.connection.unsubscribe(this);

  /** @returns {{e: string, s: number}|undefined} where to resume */
  since() {
    return this.started && this.epoch !== "" ? { e: this.epoch, s: this.seq } : undefined;
  }

  /** Takes a `sub_ok`. @param {Object} frame */
  subscribed({ kind, recovered }) {
    Object.assign(this, { kind, waiting: !recovered, parts: [] });
  }

  /** Takes one frame. @param {Object} frame @returns {boolean} false: the chain is broken */
  take(frame) {
    const { handlers } = this;
    if (frame.type === "gap") {
      this.waiting = true;
      if (frame.reason !== "start") this.gaps += 1;
      handlers.onGap?.({ lost: frame.lost ?? null, reason: frame.reason }, this.name);
      return true;
    }
    if (frame.type === "snap") this.#part(frame);
    if (frame.type === "snap" || this.waiting) return true;
    if (frame.p !== this.seq) {
      this.resyncs += 1;
      this.waiting = true;
      return false;
    }
    this.seq = frame.s;
    this.asOfMs = frame.ts;
    if (frame.type === "evt") {
      handlers.onEvent?.(frame.data, this.name);
      return true;
    }
    for (const [field, value] of Object.entries(frame.d)) {
      if (value === null) delete this.data[field];
      else this.data[field] = value;
    }
    handlers.onUpdate?.(frame.d, this.name);
    return true;
  }

  #part(frame) {
    if (frame.part === 0) this.parts = [];
    if (frame.part !== this.parts.length) return;
    this.parts.push(frame.data);
    if (this.parts.length < frame.parts) return;
    const { parts } = this;
    Object.assign(this, { epoch: frame.e, seq: frame.s, asOfMs: frame.ts, parts: [] });
    Object.assign(this, { waiting: false, started: true });
    // A field named __proto__ must not become the prototype.
    if (this.kind === "state") this.data = Object.assign(Object.create(null), ...parts);
    const entries = () => parts.flat().map((item) => item.data);
    this.handlers.onSnapshot?.(this.kind === "log" ? entries() : this.data, this.name);
  }
}

/** A connection that stays; make it with `connect()`. */
export class Connection {
  /** @param {Options} options */
  constructor({ url, token, onState, onToken }) {
    this.url = url;
    Object.assign(this, { onState: onState ?? (() => {}), onToken: onToken ?? (() => {}) });
    /** @type {State} */
    this.state = "connecting";
    Object.assign(this, { token, welcome: null });
    /** @type {Map<string, Channel>} */
    this.channels = new Map();
    this.calls = new Map();
    this.asked = new Map();
    this.window = { min_ms: 500, max_ms: 20_000, first_ms: [0, 1_000] };
    Object.assign(this, { nextId: 1, tries: 0, reconnects: 0, pingMs: 25_000, skewMs: Infinity });
    Object.assign(this, { heardAt: null, probeAt: null, socket: null, retryTimer: null });
    this.wake = () => this.#wake();
  }

  /** Starts; called by `connect()`. */
  open() {
    this.watch = setInterval(() => this.#watch(), MS.watch);
    this.watch.unref?.();
    globalThis.addEventListener?.("online", this.wake);
    globalThis.document?.addEventListener("visibilitychange", this.wake);
    this.#dial();
  }

  /** Ends for good. */
  close() {
    clearInterval(this.watch);
    [this.retryTimer, this.renewTimer].forEach((timer) => clearTimeout(timer));
    globalThis.removeEventListener?.("online", this.wake);
    globalThis.document?.removeEventListener("visibilitychange", this.wake);
    this.#set("closed");
    this.#dropSocket();
  }

  /** Follows a channel; again: replaces its handlers. @param {string} name @param {Handlers} [handlers] */
  subscribe(name, handlers = {}) {
    const known = this.channels.get(name);
    if (known !== undefined) {
      known.handlers = handlers;
      if (known.started && known.kind === "state") handlers.onSnapshot?.(known.data, name);
      return known;
    }
    const channel = new Channel(this, name, handlers);
    this.channels.set(name, channel);
    if (this.state === "open") this.#sub(channel);
    return channel;
  }

  /** Ends a subscription. @param {Channel} channel */
  unsubscribe(channel) {
    if (this.channels.get(channel.name) !== channel) return;
    this.channels.delete(channel.name);
    if (this.state === "open") this.#send({ type: "unsub", id: this.nextId++, ch: channel.name });
  }

  /** Asks the gateway to act. @param {string} method @param {Object} params @returns {Promise<Object>} */
  rpc = (method, params) => this.#call({ type: "rpc", method, params });

  /** Steers a replay. @param {{do: string, speed?: number, to_ms?: number}} order @returns {Promise<Object>} */
  steer = (order) => this.#call({ type: "steer", ...order });

  /** Channels the token covers. @param {string} [kind] @returns {Promise<Array<Object>>} */
  list = async (kind) => (await this.#call({ type: "list", kind })).channels;

  /** Uses a fresh token. @param {string} token @returns {Promise<Object|null>} */
  async setToken(token) {
    this.token = token;
    return this.state === "open" ? this.#call({ type: "auth", token }) : null;
  }

  /** @returns {number|null} ms since the newest as-of time of any state channel */
  ageMs() {
    const states = [...this.channels.values()].filter((channel) => channel.kind === "state");
    const newest = Math.max(0, ...states.map((channel) => channel.asOfMs ?? 0));
    if (newest === 0 || this.skewMs === Infinity) return null;
    return Math.max(0, performance.now() - this.skewMs - newest);
  }

  /** @returns {number|null} ms since the last frame */
  silenceMs = () => (this.heardAt === null ? null : performance.now() - this.heardAt);

  #set(state, code) {
    this.state = state;
    this.onState(state, code);
  }

  #dial() {
    this.#set("connecting");
    const socket = new WebSocket(this.url, [SUBPROTOCOL]);
    this.socket = socket;
    this.dialedAt = performance.now();
    socket.onopen = () => {
      const given = typeof this.token === "function" ? this.token() : this.token;
      if (given !== this.renewedFrom) Object.assign(this, { renewedFrom: given, renewed: given });
      this.#send({ type: "connect", id: this.nextId++, token: this.renewed ?? "", sdk: "js/1" });
    };
    socket.onmessage = (message) => this.#message(socket, message.data);
    socket.onclose = (event) => {
      if (this.socket === socket) this.#lost(event.code);
    };
  }

  #dropSocket() {
    const { socket } = this;
    this.socket = null;
    this.probeAt = null;
    for (const call of this.calls.values()) call.reject(new Error("connection lost"));
    this.calls.clear();
    this.asked.clear();
    socket?.close();
  }

  #lost(code) {
    this.#dropSocket();
    if (this.state === "closed") return;
    this.tries += 1;
    const delay = retryMs(this.window, this.tries, code, Math.random());
    this.#set(delay === null ? "refused" : "lost", code);
    if (delay === null) return;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.#redial(), delay);
  }

  #redial() {
    clearTimeout(this.retryTimer);
    if (this.state !== "lost") return;
    this.reconnects += 1;
    this.#dial();
  }

  /** Background timers may have been frozen: look at once. */
  #wake() {
    if (globalThis.document?.visibilityState === "hidden") return;
    if (this.state === "lost") this.#redial();
    if (this.state === "open") this.#probe();
  }

  #probe() {
    if (this.probeAt !== null) return;
    this.probeAt = performance.now();
    this.#send({ type: "ping", id: this.nextId++ });
  }

  #watch() {
    const now = performance.now();
    if (this.state === "connecting" && now - this.dialedAt > MS.silence) this.#lost(1006);
    if (this.state !== "open") return;
    const silence = now - this.heardAt;
    if (this.probeAt !== null && now - this.probeAt > MS.probe) this.#lost(1006);
    else if (silence > this.pingMs + MS.silence) this.#probe();
  }

  #send(frame) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  #sub(channel) {
    const id = this.nextId++;
    this.asked.set(id, channel);
    const { rateMs } = channel.handlers;
    this.#send({ type: "sub", id, ch: channel.name, since: channel.since(), rate_ms: rateMs });
  }

  #call(frame) {
    if (this.state !== "open") return Promise.reject(new Error("not connected"));
    const id = this.nextId++;
    const answer = new Promise((resolve, reject) => this.calls.set(id, { resolve, reject }));
    const timer = setTimeout(() => this.calls.get(id)?.reject(new Error("no answer")), MS.call);
    this.#send({ ...frame, id });
    return answer.finally(() => {
      clearTimeout(timer);
      this.calls.delete(id);
    });
  }

  #message(socket, text) {
    if (this.socket !== socket) return;
    this.heardAt = performance.now();
    this.probeAt = null;
    const frame = JSON.parse(text);
    this.#actions[frame.type]?.(frame);
  }

  #actions = {
    connected: (frame) => {
      this.tries = 0;
      this.welcome = frame;
      this.window = frame.retry;
      this.pingMs = frame.ping_s * 1_000;
      this.#clock(frame.now_ms);
      this.#renewAt(frame.ttl_s);
      this.#set("open");
      for (const channel of this.channels.values()) this.#sub(channel);
    },
    sub_ok: (frame) => {
      this.asked.delete(frame.id);
      this.channels.get(frame.ch)?.subscribed(frame);
    },
    ...Object.fromEntries(["snap", "upd", "evt", "gap"].map((type) => [type, (f) => this.#follow(f)])),
    ping: (frame) => {
      this.#clock(frame.t);
      this.#send({ type: "pong", t: frame.t });
    },
    ok: (frame) => this.calls.get(frame.id)?.resolve(frame),
    err: (frame) => this.#refused(frame),
    bye: (frame) => {
      if (verdictOf(frame.code) === "back_off") this.window = { ...this.window, first_ms: frame.retry };
    },
  };

  /** A token at 80 % of its life is exchanged for a later one. */
  #renewAt(ttlS) {
    clearTimeout(this.renewTimer);
    this.renewTimer = setTimeout(async () => {
      const answer = await this.#call({ type: "renew" }).catch(() => null);
      if (answer === null) return;
      this.renewed = answer.token;
      this.onToken(answer.token);
      this.#renewAt(answer.exp - (performance.now() - this.skewMs) / 1_000);
    }, Math.min(ttlS * 800, 2 ** 31 - 1));
    this.renewTimer.unref?.();
  }

  #clock(serverMs) {
    if (serverMs > 0) this.skewMs = Math.min(this.skewMs, performance.now() - serverMs);
  }

  #follow(frame) {
    const channel = this.channels.get(frame.ch);
    if (channel === undefined) return;
    this.#clock(frame.ts);
    if (!channel.take(frame)) this.#send({ type: "resync", id: this.nextId++, ch: frame.ch });
  }

  #refused(frame) {
    const channel = this.asked.get(frame.id);
    this.asked.delete(frame.id);
    this.calls.get(frame.id)?.reject(Object.assign(new Error(`${frame.code} ${frame.msg}`), { frame }));
    if (channel === undefined || this.channels.get(channel.name) !== channel) return;
    if (frame.temp) {
      const wait = (frame.retry_ms ?? 1_000) * (1 + Math.random());
      setTimeout(() => this.state === "open" && this.#sub(channel), wait);
      return;
    }
    this.channels.delete(channel.name);
    channel.handlers.onError?.(frame, channel.name);
  }
}
