// The training page: labelling by key, examples, runs that show how far they are, promotion and the way back.
import { Refusal, part, send } from "./api.js";
import { listen } from "./live.js";
import { patch } from "./patch.js";
import { toast } from "./toast.js";

const POLL_MS = 1500;
const root = document.getElementById("training");
const sentence = (name, values = {}) => root.dataset[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);

function complain(error, place) {
  if (!(error instanceof Refusal)) throw error;
  const box = place?.querySelector("[data-wrong]");
  if (!box) return void toast(error.message, { kind: "bad" });
  box.textContent = error.message;
  box.hidden = false;
}

// To label: one message is open, and the keys work on it.
const asks = () => [...root.querySelectorAll(".ask")];

function open(item, { scroll = true } = {}) {
  for (const other of asks()) {
    if (other === item) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
  if (item && scroll) item.scrollIntoView({ block: "nearest" });
}

function step(from, by) {
  const all = asks();
  open(all[Math.min(all.length - 1, Math.max(0, all.indexOf(from) + by))]);
}

async function label(item, intent, word) {
  if (item.dataset.busy) return;
  item.dataset.busy = "yes";
  const language = item.querySelector("[data-spoken]")?.value || null;
  try {
    await send("/api/examples", { message: Number(item.dataset.message), intent, language });
  } catch (error) {
    delete item.dataset.busy;
    return void complain(error, item);
  }
  toast(sentence("labelled", { intent: word }), { name: "labelled", seconds: 3 });
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  if (next) open(next);
  else await refresh();
}

root.addEventListener("click", (event) => {
  const item = event.target.closest(".ask");
  if (!item || event.target.closest("a")) return;
  const choice = event.target.closest("button[data-intent]");
  const move = event.target.closest("button[data-step]");
  if (choice) label(item, choice.dataset.intent, choice.querySelector("span").textContent);
  else if (move) step(item, Number(move.dataset.step));
  else if (!item.hasAttribute("aria-current")) open(item, { scroll: false });
});

root.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  const item = event.target.closest(".ask");
  if (item && event.target.matches("[data-other]") && event.target.value) {
    label(item, event.target.value, event.target.selectedOptions[0].textContent);
  }
});

// Examples
const dialog = (name) => document.getElementById(`dialog-${name}`);

root.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-example]");
  if (!button) return;
  button.disabled = true;
  await send(`/api/examples/${button.dataset.example}`, { state: button.dataset.state }).catch(complain);
  await refresh();
});

dialog("example")?.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { text, language, intent } = Object.fromEntries(new FormData(form));
  try {
    await send("/api/examples", { text, language, intent });
  } catch (error) {
    return void complain(error, form);
  }
  form.reset();
  dialog("example").close();
  toast(sentence("added"));
  await refresh();
});

// Runs and models
function ask(button, go) {
  const sure = dialog("sure");
  sure.querySelector("[data-question]").textContent = button.dataset.question;
  sure.querySelector("[data-go]").textContent = button.dataset.label;
  sure.querySelector("form").onsubmit = () => go().catch(complain);
  sure.showModal();
}

async function promote({ model, name }) {
  await send(`/api/models/${model}/promote`, {});
  toast(sentence("promoted", { name }));
  await refresh();
}

async function rollBack({ name }) {
  await send("/api/models/rollback", {});
  toast(sentence("back", { name }));
  await refresh();
}

async function train(button) {
  button.disabled = true;
  try {
    await send("/api/runs", {});
    toast(sentence("started"));
  } catch (error) {
    button.disabled = false;
    return void complain(error, button.closest(".card"));
  }
  await refresh();
}

root.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button) return;
  const { do: act } = button.dataset;
  if (act === "new-example") dialog("example").showModal();
  if (act === "train") train(button);
  if (act === "promote") ask(button, () => promote(button.dataset));
  if (act === "roll-back") ask(button, () => rollBack(button.dataset));
});

const running = () => root.querySelector("[data-running]")?.dataset.running || null;

async function refresh() {
  const before = running();
  const query = new URLSearchParams(location.search);
  query.set("tab", root.dataset.tab);
  query.set("part", "1");
  const current = root.querySelector(".ask[aria-current]")?.id;
  const html = await part(`/training?${query}`);
  if (html === null) return;
  patch(root, html);
  if (asks().length) open(document.getElementById(current) ?? asks()[0], { scroll: false });
  if (before && !running()) toast(sentence("ended"));
}

const quiet = (error) => {
  if (!(error instanceof Refusal)) throw error;
};

setInterval(() => {
  if (running() && !document.hidden) refresh().catch(quiet);
}, POLL_MS);

// New messages wait until nobody is choosing an answer.
const busy = () => document.activeElement?.matches("select, textarea, input") || document.querySelector("dialog[open]");
let due = null;
listen({
  onEvent: () => {
    clearTimeout(due);
    due = setTimeout(() => busy() || document.hidden || refresh().catch(quiet), 1000);
  },
  onState: (alive) => (document.getElementById("offline").hidden = alive),
});

open(asks()[0], { scroll: false });
