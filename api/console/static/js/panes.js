// The three panes: opening a case, bringing them up to date, and what the page remembers between.
import { part } from "./api.js";
import * as decide from "./decide.js";
import * as editor from "./editor.js";
import { patch } from "./patch.js";
import { say } from "./texts.js";
import { showTimes } from "./time.js";
import { toast } from "./toast.js";

export const panes = document.getElementById("panes");
const queuePart = document.getElementById("queue-part");
const casePart = document.getElementById("case-part");
let opening = 0;
let lastIndex = -1;
let queueTurn = 0;

// What has moved since the person last looked, and when.
export const seen = { changedAt: -Infinity, unseen: false };

export const caseId = () => editor.desk()?.dataset.case ?? null;
const rows = () => [...document.querySelectorAll("#rows [data-case]")];
const url = (path, extra = {}) => {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(extra)) value === "" ? query.delete(name) : query.set(name, value);
  const text = query.toString();
  return text ? `${path}?${text}` : path;
};
const here = (extra) => url(caseId() ? `/inbox/${caseId()}` : "/inbox", extra);

export function step(name) {
  panes.dataset.step = name;
  for (const button of document.querySelectorAll(".steps [data-step]")) {
    const on = button.dataset.step === name || (name === "thread" && button.dataset.step === "desk" && innerWidth > 760);
    on ? button.setAttribute("aria-current", "step") : button.removeAttribute("aria-current");
    button.disabled = button.dataset.step !== "queue" && !caseId();
  }
}

export function mountQueue() {
  const filters = document.getElementById("more-filters");
  document.querySelector('[data-do="more-filters"]').setAttribute("aria-expanded", String(!filters.hidden));
  for (const row of rows()) {
    if (row.dataset.case === caseId()) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  const index = rows().findIndex((row) => row.dataset.case === caseId());
  if (index >= 0) lastIndex = index;
  showTimes(queuePart);
}

export function mountCase() {
  const desk = editor.desk();
  if (!desk) return;
  decide.noteClaim();
  editor.mount();
  for (const box of desk.querySelectorAll("[data-remember]")) {
    const kept = localStorage.getItem(`odzew.open.${box.dataset.remember}`);
    if (kept !== null) box.open = kept === "yes";
  }
  const note = document.getElementById("live-note");
  note.hidden = !seen.unseen;
  note.querySelector("[data-live-text]").textContent = say("live");
  showTimes(casePart);
  if (desk.dataset.undo && !document.querySelector('#toasts [data-name="undo"]')) {
    decide.offerUndo(desk.dataset.undo, Number(desk.dataset.undoLeft), refresh);
  }
}

export async function refreshQueue() {
  const turn = ++queueTurn;
  const html = await part(url(caseId() ? `/inbox/${caseId()}` : "/inbox", { part: "queue" }));
  if (html === null || turn !== queueTurn) return; // a later question has been asked meanwhile
  patch(queuePart, html);
  mountQueue();
}

export async function refreshCase() {
  const id = caseId();
  if (!id) return;
  const known = new Set([...document.querySelectorAll("#tree > li")].map((post) => post.id));
  const html = await part(`/inbox/${id}?part=case`);
  if (html === null || id !== caseId()) return;
  const { message } = editor.desk().dataset;
  const [wasDirty, wasEditing] = [editor.isDirty(), editor.isEditing()];
  patch(casePart, html);
  for (const post of document.querySelectorAll("#tree > li")) if (!known.has(post.id)) post.classList.add("fresh");
  const carried = editor.carry(message);
  if (decide.moved()) {
    seen.changedAt = performance.now();
    if (wasDirty || wasEditing) seen.unseen = true;
    else decide.look();
  }
  mountCase();
  if (carried && wasEditing && !editor.isEditing()) editor.edit();
}

export const refresh = () => Promise.all([refreshQueue(), refreshCase()]).catch(quiet);
export const quiet = (refusal) => {
  if (refusal.status !== 0) toast(refusal.message, { kind: "bad" });
};

export async function open(id, { push = true, focus = true } = {}) {
  const mine = ++opening;
  const before = caseId();
  if (before && before !== id && decide.holds(before) && !editor.isDirty()) decide.release(before).catch(quiet);
  let html;
  try {
    html = await part(`/inbox/${id}?part=case`);
  } catch (refusal) {
    return quiet(refusal);
  }
  if (html === null || mine !== opening) return;
  casePart.innerHTML = html;
  seen.unseen = false;
  const row = rows().find((each) => each.dataset.case === id);
  if (push) history.pushState({}, "", url(`/inbox/${id}`));
  if (editor.desk()?.dataset.message) decide.look(performance.now());
  mountQueue();
  mountCase();
  step("thread");
  row?.scrollIntoView({ block: "nearest" });
  if (focus) (row?.getClientRects().length ? row : document.getElementById("thread-title")).focus({ preventScroll: true });
  document.querySelector("#tree .target")?.scrollIntoView({ block: "center" });
  document.title = `${document.getElementById("thread-title")?.textContent ?? ""} · Odzew`;
}

export function go(by) {
  const list = rows();
  const index = list.findIndex((row) => row.dataset.case === caseId());
  // A case that has left the list leaves its place to the one that came after it.
  const next = index >= 0 ? index + by : by > 0 ? Math.max(lastIndex, 0) : lastIndex - 1;
  if (list[next]) open(list[next].dataset.case);
  else toast(say("no_next"), { name: "next" });
}

export function lookAgain() {
  seen.unseen = false;
  decide.look();
  mountCase();
  refresh();
}

export function filter(changes) {
  history.replaceState({}, "", here({ page: "", ...changes }));
  refreshQueue().catch(quiet);
}
