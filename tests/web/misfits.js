// Texts that leave their box. `fits`: the page must not scroll at all.
(fits) => {
  const out = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) out.push(`page is ${root.scrollWidth} wide`);
  if (fits && root.scrollHeight > innerHeight) out.push(`page is ${root.scrollHeight} high`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
    const element = text.parentElement;
    if (text.data.trim() === "" || element.closest(".sr-only, .skip, noscript, option, .tile-empty")) continue;
    if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
    // Names given by others may end in an ellipsis (their title says all); nothing else may.
    const foreign = element.closest("[dir=auto]") !== null;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (box.width < 2) continue;
    for (let outer = element; outer !== document.body; outer = outer.parentElement) {
      const style = getComputedStyle(outer);
      if (outer.matches(".scroll, .alerts")) break;
      if (style.overflowX === "visible" && !outer.matches(".tile, .head")) continue;
      const limit = outer.getBoundingClientRect();
      const wide = box.right > limit.right + 1 || box.left < limit.left - 1;
      const high = box.bottom > limit.bottom + 0.25 * box.height || box.top < limit.top - 0.25 * box.height;
      if ((wide && !foreign) || high) {
        out.push(`"${text.data.slice(0, 30)}" leaves ${outer.tagName}.${outer.className}`);
        break;
      }
    }
  }
  return [...new Set(out)];
}
