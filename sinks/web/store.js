/**
 * Channels as maps of fields, and which of them changed since they were last drawn.
 *
 * A state channel is a Map from field to newest value. A log channel keeps its newest entries
 * in order. The store knows no protocol: `feed.js` fills it, tiles read it.
 */

const LOG_LIMIT = 1000;

/** A page may stay open for weeks: memory is bounded by channels × fields + LOG_LIMIT. */
export class Store {
  constructor() {
    this.states = new Map();
    this.logs = new Map();
    this.dirty = new Set();
    this.snapshots = new Map();
  }

  /** Replaces a whole state channel. @param {string} channel @param {Object} data */
  snapshot(channel, data) {
    this.states.set(channel, new Map(Object.entries(data)));
    this.snapshots.set(channel, this.snapshotsOf(channel) + 1);
    this.dirty.add(channel);
  }

  /** Applies changed fields; null deletes. @param {string} channel @param {Object} fields */
  patch(channel, fields) {
    let state = this.states.get(channel);
    if (state === undefined) {
      state = new Map();
      this.states.set(channel, state);
    }
    for (const [field, value] of Object.entries(fields)) {
      if (value === null) state.delete(field);
      else state.set(field, value);
    }
    this.dirty.add(channel);
  }

  /** Appends one log entry. @param {string} channel @param {Object} data */
  append(channel, data) {
    let log = this.logs.get(channel);
    if (log === undefined) {
      log = [];
      this.logs.set(channel, log);
    }
    log.push(data);
    if (log.length > LOG_LIMIT) log.splice(0, log.length - LOG_LIMIT);
    this.dirty.add(channel);
  }

  /** Empties a log whose past will be sent again. @param {string} channel */
  restart(channel) {
    this.logs.set(channel, []);
    this.dirty.add(channel);
  }

  /** @returns {*} the value, or null where there is none */
  get(channel, field) {
    const value = this.states.get(channel)?.get(field);
    return value === undefined ? null : value;
  }

  /** @returns {number} how often the channel was replaced as a whole: its past is another one then */
  snapshotsOf(channel) {
    return this.snapshots.get(channel) ?? 0;
  }

  /** @returns {Map<string, *>} the channel's fields; empty when never seen */
  fields(channel) {
    return this.states.get(channel) ?? new Map();
  }

  /** @returns {Object[]} oldest first; empty when never seen */
  log(channel) {
    return this.logs.get(channel) ?? [];
  }

  /** @returns {Set<string>} channels changed since the last call */
  takeDirty() {
    const dirty = this.dirty;
    this.dirty = new Set();
    return dirty;
  }
}
