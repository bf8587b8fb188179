/**
 * What the figures mean: lookups over `/api/catalogue`, the one source of titles and formulas.
 */

export class Catalogue {
  /** @param {Object} json the answer of /api/catalogue; null while it has not come */
  constructor(json) {
    this.metrics = json?.metrics ?? [];
    this.windows = json?.windows ?? {};
    this.dimensions = json?.dimensions ?? {};
    this.boards = new Map((json?.boards ?? []).map((board) => [board.name, board]));
    this.byName = new Map(this.metrics.map((metric) => [metric.name, metric]));
  }

  /** @returns {Object|null} the entry */
  get(name) {
    return this.byName.get(name) ?? null;
  }

  has(name) {
    return this.byName.has(name);
  }

  /** @returns {Object|null} a board of what viewers say and buy: titles, figures of its lines */
  board(name) {
    return this.boards.get(name) ?? null;
  }

  /** @returns {string} the title in the language, or the name of an unknown metric */
  title(name, lang) {
    const entry = this.get(name);
    if (entry === null) return name;
    return (lang === "zh" ? entry.title_zh : entry.title_en) || name;
  }

  /** @returns {string} the unit; "" for an unknown metric */
  unit(name) {
    return this.get(name)?.unit ?? "";
  }

  /** Units of numerator and denominator: sums of `…_minor` are money, the rest are counts. */
  partUnits(name) {
    const entry = this.get(name);
    const unitOf = (part) => (/_minor\b/.test(part ?? "") ? "minor" : "count");
    return [unitOf(entry?.num), unitOf(entry?.den)];
  }

  /** Names of the metrics a room has in a window, in catalogue order. */
  ofRoom(window) {
    const named = Object.entries(this.windows).find(([, entry]) => entry?.wire === window)?.[0] ?? window;
    return this.metrics
      .filter((metric) => (metric.windows ?? []).includes(named))
      .filter((metric) => !metric.dimensions || metric.dimensions.includes("room"))
      .map((metric) => metric.name);
  }
}

/** Fetches the catalogue; an unreachable one is an empty one (the figures still show). */
export async function loadCatalogue() {
  try {
    const answer = await fetch("/api/catalogue");
    return new Catalogue(answer.ok ? await answer.json() : null);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return new Catalogue(null);
  }
}
