/**
 * Figures as text: pure functions, every one maps "no data" (null, undefined) to "–", never to 0.
 */

export const NONE = "–";

const LOCALE = { zh: "zh-CN", en: "en-US" };
const cache = new Map();

function formatter(lang, options) {
  const key = lang + JSON.stringify(options);
  let made = cache.get(key);
  if (made === undefined) {
    made = new Intl.NumberFormat(LOCALE[lang], options);
    cache.set(key, made);
  }
  return made;
}

function currencyShape(currency, lang) {
  const key = `shape ${currency} ${lang}`;
  let shape = cache.get(key);
  if (shape === undefined) {
    try {
      const parts = formatter(lang, { style: "currency", currency, currencyDisplay: "narrowSymbol" });
      const symbol = parts.formatToParts(0).find((part) => part.type === "currency").value;
      shape = { digits: parts.resolvedOptions().maximumFractionDigits, symbol };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      shape = { digits: 2, symbol: "" };
    }
    if (/^[A-Za-z]{2,}$/.test(shape.symbol)) shape.symbol += "\u00a0";
    cache.set(key, shape);
  }
  return shape;
}

/**
 * Money in whole minor units, split so that a page may draw the fraction smaller.
 * Digits are cut from the integer, never divided: exact up to 2^53.
 * @returns {{whole: string, fraction: string}} e.g. {whole: "¥1,234", fraction: ".56"}
 */
export function moneyParts(minor, currency, lang) {
  if (minor === null || minor === undefined) return { whole: NONE, fraction: "" };
  const { digits, symbol } = currencyShape(currency || "CNY", lang);
  const scale = 10 ** digits;
  const size = Math.abs(Math.round(minor));
  const rest = size % scale;
  const sign = minor < 0 ? "−" : "";
  return {
    whole: sign + symbol + integer((size - rest) / scale, lang),
    fraction: digits === 0 ? "" : `.${String(rest).padStart(digits, "0")}`,
  };
}

/** @returns {string} e.g. "¥1,234.56" */
export function money(minor, currency, lang) {
  const parts = moneyParts(minor, currency, lang);
  return parts.whole + parts.fraction;
}

/** @returns {string} e.g. "12.3万" or "123K", for axis labels only */
export function moneyShort(minor, currency, lang) {
  if (minor === null || minor === undefined) return NONE;
  const { digits } = currencyShape(currency || "CNY", lang);
  return short(minor / 10 ** digits, lang);
}

/** @returns {string} grouped integer */
export function integer(value, lang) {
  if (value === null || value === undefined) return NONE;
  return formatter(lang, { maximumFractionDigits: 0 }).format(value);
}

/** @returns {string} short number for axes */
export function short(value, lang) {
  return formatter(lang, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** @returns {string} with at most `digits` decimals */
export function decimal(value, digits, lang) {
  if (value === null || value === undefined) return NONE;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return formatter(lang, options).format(value);
}

/** A share in percent. @param {number|null} value 0.025 @returns {string} "2.50%" */
export function percent(value, lang, digits = 2) {
  return value === null || value === undefined ? NONE : `${decimal(value * 100, digits, lang)}%`;
}

/** @param {number|null} seconds @returns {string} "1:02:03" or "4:05" */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/**
 * A time to come, only as exact as an estimate is: "45 s", "4 min", "1 h 50 min", "> 8 h".
 * @param {number|null} seconds @param {(key: string, ...args: *) => string} t
 */
export function estimate(seconds, t) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 60) return t("est_s", Math.max(0, Math.round(seconds / 5) * 5));
  if (seconds < 600) return t("est_min_s", Math.floor(seconds / 60), Math.floor((seconds % 60) / 10) * 10);
  if (seconds < 3600) return t("est_min", Math.round(seconds / 60));
  if (seconds >= 8 * 3600) return t("est_more_h", 8);
  const tens = Math.round(seconds / 600);
  return t("est_h", Math.floor(tens / 6), (tens % 6) * 10);
}

/** @param {number|null} ms since 1970 @returns {string} local "hh:mm:ss" */
export function clock(ms, withSeconds = true) {
  if (ms === null || ms === undefined) return NONE;
  const date = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${text}:${two(date.getSeconds())}` : text;
}

/** The number inside a field: a ratio's value, or the figure itself; null when there is none. */
export function scalar(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? (value.value ?? null) : value;
}

/** True for `{num, den, value}`. */
export function isRatio(value) {
  return typeof value === "object" && value !== null && "den" in value;
}

/**
 * A figure by its catalogue unit.
 * @param {*} value int, {num, den, value} or null
 * @param {string} unit minor | count | ratio | per_minute | seconds | times
 */
export function figure(value, unit, currency, lang) {
  const number = scalar(value);
  if (number === null) return NONE;
  switch (unit) {
    case "minor": return money(number, currency, lang);
    case "count": return integer(number, lang);
    case "ratio": return percent(number, lang);
    case "per_minute":
    case "per_min": return decimal(number, 1, lang);
    case "seconds": return duration(number);
    case "times":
    case "x": return `${decimal(number, 2, lang)}×`;
    default: return decimal(number, Number.isInteger(number) ? 0 : 2, lang);
  }
}

/**
 * Numerator and denominator of a ratio, each by its own unit, e.g. "¥12.00 / 3"; "" otherwise.
 * @param {string} numUnit @param {string} denUnit
 */
export function fraction(value, numUnit, denUnit, currency, lang) {
  if (!isRatio(value)) return "";
  const part = (number, unit) => figure(number, unit, currency, lang);
  return `${part(value.num, numUnit)} / ${part(value.den, denUnit)}`;
}
