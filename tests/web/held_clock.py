"""A page whose clock stands still but for what a test lets pass."""

HOLD_CLOCK = """() => {
  const held = { ms: performance.now() };
  performance.now = () => held.ms;
  globalThis.passMs = (ms) => { held.ms += ms; };
}"""

# A page draws each quarter of a second: a timer of two thirds of one fires after a drawing,
# however late both are.
DRAWN = "() => new Promise((resolve) => setTimeout(resolve, 667))"
