// Keys. An element says its own key in data-key: one key ("a"), or two in a row ("g i"). Pressing it is a click, or the
// focus for a field. Single keys rest while somebody types, and can be switched off (WCAG 2.1.4).
const OFF = "odzew.keys.off";
const PAIR_MS = 1200;
let first = null;
let firstAt = 0;

const typing = (element) =>
  element.isContentEditable || (element.matches?.("input, textarea, select") && !element.matches('[type="radio"], [type="checkbox"]'));

// On a Cyrillic keyboard the letter keys are known by where they are.
const keyOf = (event) => {
  if (/^[\x21-\x7e]$/.test(event.key)) return /[A-Z]/.test(event.key) && event.shiftKey ? event.key.toLowerCase() : event.key;
  if (/^Key[A-Z]$/.test(event.code)) return event.code.slice(3).toLowerCase();
  return event.key;
};

const usable = (element) => !element.disabled && element.getClientRects().length > 0;
const scope = () => document.querySelector("dialog[open]") ?? document;
const find = (key) => [...scope().querySelectorAll("[data-key]")].find((element) => element.dataset.key === key && usable(element));

const press = (element) => {
  if (element.matches("input, select, textarea")) {
    element.focus();
    element.select?.();
  } else element.click();
};

const onKey = (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target) || localStorage.getItem(OFF)) return;
  const key = keyOf(event);
  const pair = first && performance.now() - firstAt < PAIR_MS ? find(`${first} ${key}`) : null;
  first = null;
  const element = pair ?? find(key);
  if (element) {
    event.preventDefault();
    press(element);
  } else if (scope().querySelector(`[data-key^="${CSS.escape(key)} "]`)) {
    first = key;
    firstAt = performance.now();
  }
};

// What an element is called in the list of keys: its text without the key caps themselves.
const label = (element) => {
  const named = element.dataset.keyLabel ?? element.getAttribute("title")?.replace(/ \(.\)$/, "") ?? element.getAttribute("aria-label");
  if (named) return named;
  const copy = element.cloneNode(true);
  for (const extra of copy.querySelectorAll("kbd, svg, .number")) extra.remove();
  return copy.textContent.trim();
};

const list = () => {
  const rows = new Map();
  for (const element of document.querySelectorAll("[data-key]")) {
    if (!rows.has(element.dataset.key)) rows.set(element.dataset.key, label(element).split("\n")[0]);
  }
  return [...rows].sort(([a], [b]) => a.length - b.length || a.localeCompare(b));
};

const openHelp = (dialog) => {
  const keys = dialog.querySelector("#help-keys");
  keys.replaceChildren();
  for (const [key, text] of list()) {
    const term = document.createElement("dt");
    for (const part of key.split(" ")) {
      const kbd = document.createElement("kbd");
      kbd.textContent = part;
      term.append(kbd, " ");
    }
    const description = document.createElement("dd");
    description.textContent = text;
    keys.append(term, description);
  }
  dialog.querySelector("#single-keys").checked = !localStorage.getItem(OFF);
  dialog.showModal();
};

export function startKeys() {
  document.addEventListener("keydown", onKey);
  const dialog = document.getElementById("help");
  if (!dialog) return;
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-do="help"]') && !dialog.open) openHelp(dialog);
  });
  dialog.querySelector("#single-keys").addEventListener("change", (event) => {
    if (event.target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}
