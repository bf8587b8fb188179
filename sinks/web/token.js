/** The access token: from the fragment (no server sees it) or typed in; kept for this tab only. */

import { node } from "./dom.js";

const KEY = "liveroom.token";

/** @returns {string|null} the token; takes it out of the address on first sight */
export function readToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("token");
  if (given !== null) {
    keepToken(given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

/** Keeps a renewed token, so that a reload does not come back with an expired one. */
export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

/** Asks for a token and connects again. */
export function askToken(t, feed) {
  if (document.querySelector("dialog.token") !== null) return;
  const input = node("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = node("form", { method: "dialog" }, [
    node("h2", { id: "token-title", text: t("token_title") }),
    node("p", { text: t("token_hint") }),
    node("label", { for: "token", text: t("token_label") }), input,
    node("button", { class: "button", type: "submit", text: t("token_go") }),
  ]);
  const dialog = node("dialog", { class: "token", "aria-labelledby": "token-title" }, [form]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    dialog.remove();
    feed.open();
  });
  document.body.append(dialog);
  dialog.showModal();
}
