// The page's sentences in the reader's language, put there by the server.
const element = document.getElementById("texts");
const texts = element ? JSON.parse(element.textContent) : {};

export const has = (name) => name in texts;

export const say = (name, values = {}) =>
  (texts[name] ?? name).replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
