// The drafts of the open message: one panel per stance and one for an own answer. What is typed is kept per message in
// this browser until the message is decided.
import { count } from "./count.js";
import { say } from "./texts.js";

// `chosen` is the tab the person picked or wrote in; until they do, the first one is shown, whichever that comes to be.
const state = { tab: null, chosen: null, editing: new Set(), message: null };

export const desk = () => document.getElementById("desk");
const panels = () => [...document.querySelectorAll("#drafts [data-panel]")];
const keyFor = (tab) => `odzew.text.${desk().dataset.message}.${tab}`;
const stored = (tab) => localStorage.getItem(keyFor(tab));
const writing = (panel) => panel.querySelector("[data-writing]");
const originalOf = (panel) => panel.querySelector("[data-original]").content.textContent;

export const current = () => panels().find((panel) => panel.dataset.panel === state.tab) ?? panels()[0] ?? null;
export const textOf = (panel) => writing(panel)?.value ?? originalOf(panel);
export const isEdited = (panel) => textOf(panel) !== originalOf(panel);
export const isDirty = () => Boolean(desk()?.dataset.message) && panels().some((panel) => stored(panel.dataset.panel) !== null);
export const isEditing = () => document.activeElement?.matches?.("[data-writing]") ?? false;

export function forget(message) {
  for (const key of Object.keys(localStorage)) if (key.startsWith(`odzew.text.${message}.`)) localStorage.removeItem(key);
}

// A reply that was taken back comes back to its place.
export function bring({ message, tab, text }) {
  localStorage.setItem(`odzew.text.${message}.${tab}`, text);
  if (desk()?.dataset.message === message) state.chosen = tab;
}

// The person writes on, and a newer message becomes the one to answer: what they have typed goes with them.
export function carry(from) {
  const to = desk()?.dataset.message;
  if (!to || from === to) return false;
  const tabs = panels().map((panel) => panel.dataset.panel);
  const start = `odzew.text.${from}.`;
  const found = Object.keys(localStorage).filter((key) => key.startsWith(start));
  for (const key of found) {
    const tab = key.slice(start.length);
    localStorage.setItem(`odzew.text.${to}.${tabs.includes(tab) ? tab : "own"}`, localStorage.getItem(key));
    localStorage.removeItem(key);
  }
  return found.length > 0;
}

function keep(panel) {
  const text = textOf(panel);
  if (text === originalOf(panel)) localStorage.removeItem(keyFor(panel.dataset.panel));
  else localStorage.setItem(keyFor(panel.dataset.panel), text);
}

// Called after every change of the desk's HTML: puts the person's own state back on what the server sent.
export function mount() {
  const here = desk();
  if (!here) return;
  if (state.message !== here.dataset.message) {
    state.message = here.dataset.message;
    state.editing.clear();
    state.chosen = panels().find((panel) => stored(panel.dataset.panel) !== null)?.dataset.panel ?? null;
  }
  if (here.dataset.writing !== "yes") state.editing.clear();
  for (const panel of panels()) {
    const area = writing(panel);
    const kept = stored(panel.dataset.panel);
    if (area && area !== document.activeElement) area.value = kept ?? originalOf(panel);
    if (kept !== null) state.editing.add(panel.dataset.panel);
    if (kept === originalOf(panel)) localStorage.removeItem(keyFor(panel.dataset.panel));
    show(panel);
  }
  turnTo(state.chosen ?? panels()[0]?.dataset.panel);
}

function show(panel) {
  const reading = panel.querySelector("[data-reading]");
  const area = writing(panel);
  if (!reading || !area) return;
  const editing = state.editing.has(panel.dataset.panel);
  reading.hidden = editing;
  area.hidden = !editing;
}

export function select(tab) {
  state.chosen = tab;
  turnTo(tab);
}

function turnTo(tab) {
  const known = panels().some((panel) => panel.dataset.panel === tab);
  state.tab = known ? tab : panels()[0]?.dataset.panel ?? null;
  for (const panel of panels()) panel.hidden = panel.dataset.panel !== state.tab;
  for (const button of document.querySelectorAll('#drafts [role="tab"]')) {
    const on = button.dataset.tab === state.tab;
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
  }
  update();
}

export function edit({ focus = true } = {}) {
  const panel = current();
  const area = panel && writing(panel);
  if (!area) return;
  state.chosen = panel.dataset.panel;
  state.editing.add(panel.dataset.panel);
  show(panel);
  if (focus) {
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }
}

export function use(text) {
  select("own");
  const area = writing(current());
  area.value = text;
  keep(current());
  edit();
  update();
}

export function restore() {
  const panel = current();
  localStorage.removeItem(keyFor(panel.dataset.panel));
  writing(panel).value = originalOf(panel);
  if (panel.dataset.draft) state.editing.delete(panel.dataset.panel);
  show(panel);
  update();
}

// Keep the text as it is now, even unchanged: the draft under it may be replaced.
export function pin() {
  const panel = current();
  if (panel && textOf(panel).trim()) localStorage.setItem(keyFor(panel.dataset.panel), textOf(panel));
}

export function typed() {
  state.chosen = current().dataset.panel;
  keep(current());
  update();
}

// Leaving an unchanged text brings the sentences with their evidence back.
export function left() {
  const panel = current();
  if (!panel?.dataset.draft || isEdited(panel)) return;
  state.editing.delete(panel.dataset.panel);
  show(panel);
}

export function update() {
  const panel = current();
  const send = document.getElementById("send");
  if (!panel || !send) return;
  const { most, counter } = desk().dataset;
  const text = textOf(panel);
  const length = count(text, counter);
  const over = length - Number(most);
  const shown = document.getElementById("counter");
  shown.textContent = over > 0 ? say("over", { over }) : say("length", { length, most });
  shown.classList.toggle("over", over > 0);
  const edited = isEdited(panel);
  send.querySelector("[data-label]").textContent = !panel.dataset.draft ? send.dataset.written : edited ? send.dataset.edited : send.dataset.accept;
  send.disabled = over > 0 || !text.trim() || panel.dataset.fits !== "yes" || desk().dataset.holder === "other";
  document.getElementById("reject").hidden = !panel.dataset.draft;
  document.getElementById("restore").hidden = !edited || !panel.dataset.draft;
  for (const source of panel.querySelectorAll("[data-source-of]")) source.classList.toggle("lost", !text.includes(source.dataset.sourceOf));
}

// Evidence: pointing at a sentence shows where it comes from, in a place that is always there.
export function showSource(sentence) {
  const panel = sentence?.closest("[data-panel]") ?? current();
  if (!panel?.querySelector("[data-sources]")) return;
  const wanted = sentence ? `evidence-${sentence.dataset.evidence}` : null;
  for (const source of panel.querySelectorAll(".source")) {
    source.hidden = wanted ? source.id !== wanted : !source.hasAttribute("data-source-default");
  }
}

export function nextSource() {
  const sentences = [...(current()?.querySelectorAll(".sentence") ?? [])];
  if (!sentences.length) return;
  sentences[(sentences.indexOf(document.activeElement) + 1) % sentences.length].focus();
}
