// The editor of one article: tabs, counters, saving with If-Match, and what to do when somebody else saved first.
import { send } from "./api.js";
import { renew } from "./article-life.js";
import { FIELDS, body, boxOf, current, dirty, fieldOf, form, heldIn, isEmpty, known, languages, measure, panels, put, tell, written } from "./article-text.js";
import "./article-trial.js";
import { toast } from "./toast.js";

let saving = false;
let leaving = false;

function open(language, { focus = false } = {}) {
  for (const tab of form.querySelectorAll('[role="tab"]')) {
    const on = tab.dataset.tab === language;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    if (on && focus) tab.focus();
    if (on) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  const side = form.dataset.view === "side";
  for (const panel of panels) panel.hidden = !side && panel.dataset.language !== language;
  if (side && focus) panels.find((panel) => panel.dataset.language === language).scrollIntoView({ block: "nearest", inline: "start" });
  for (const list of document.querySelectorAll("[data-history]")) list.hidden = list.dataset.history !== language;
}

const markOf = (language, name) => (language ? boxOf(language, name).querySelector("[data-wrong]") : null);

function refuse(text, language = null, name = null) {
  const mark = markOf(language, name);
  if (mark) {
    open(language);
    mark.textContent = text;
    mark.hidden = false;
    fieldOf(language, name).setAttribute("aria-invalid", "true");
    fieldOf(language, name).focus();
    return;
  }
  const box = document.getElementById("refused");
  box.querySelector("p").textContent = text;
  box.hidden = false;
  box.focus();
}

function forgive() {
  document.getElementById("refused").hidden = true;
  for (const mark of form.querySelectorAll("[data-wrong]")) mark.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function faulty() {
  if (!form.elements.id.value.trim()) return [tell("id_missing")];
  if (languages.every(isEmpty)) return [tell("language_missing")];
  for (const language of languages) {
    if (isEmpty(language)) continue;
    if (!written(language, "question")) return [tell("question_missing"), language, "question"];
    if (written(language, "public") && !written(language, "answer")) return [tell("answer_missing"), language, "answer"];
  }
  return null;
}

async function save(state = "approved") {
  if (saving || form.dataset.writable !== "yes") return;
  forgive();
  const fault = faulty();
  if (fault) return refuse(...fault);
  if (form.dataset.id && !dirty()) return toast(tell("unchanged"));
  saving = true;
  try {
    await (form.dataset.id ? replace(state) : create(state));
  } catch (error) {
    if (error.code === "edited_meanwhile") await combine();
    else explain(error);
  } finally {
    saving = false;
  }
}

const how = (state) => ({ ...body(), state, why: document.getElementById("why")?.value.trim() ?? "", sources: sources() });

async function create(state) {
  const id = form.elements.id.value.trim();
  await send("/api/articles", { id, ...how(state) });
  leave(`/knowledge/${encodeURIComponent(id)}`);
}

async function replace(state) {
  const id = encodeURIComponent(form.dataset.id);
  const saved = await send(`/api/articles/${id}`, how(state), { method: "PUT", headers: { "If-Match": `"${form.dataset.revision}"` } });
  take(saved);
  document.getElementById("conflict").hidden = true;
  for (const box of form.querySelectorAll("[data-theirs]")) box.hidden = true;
  // A text that waits for its review stays in its field: it is in nobody's reply yet.
  const waits = saved.variants.filter((variant) => variant.open).map((variant) => variant.language);
  for (const language of languages) if (!waits.includes(language)) FIELDS.forEach((name) => put(language, name, heldIn(known.article, language, name)));
  for (const select of form.querySelectorAll("[data-source]")) select.value = "";
  document.getElementById("why").value = "";
  toast(tell(waits.length ? "waits" : "saved"));
  await renew();
}

function take(article) {
  known.article = { id: article.id, category: article.category, languages: article.languages };
  form.dataset.revision = article.revision;
}

// Somebody saved first: what only they changed is taken over, what both changed is shown side by side.
async function combine() {
  const theirs = await send(`/api/articles/${encodeURIComponent(form.dataset.id)}`, undefined, { method: "GET" });
  const before = known.article;
  let clash = null;
  for (const language of languages) {
    for (const name of FIELDS) {
      const [mine, old, now] = [written(language, name), heldIn(before, language, name), heldIn(theirs, language, name)];
      if (now === old || now === mine) continue;
      if (mine === old) put(language, name, now);
      else {
        showTheirs(language, name, now);
        clash ??= language;
      }
    }
  }
  if (form.elements.category.value.trim() === before.category) form.elements.category.value = theirs.category;
  take(theirs);
  languages.forEach(measure);
open(current());
  if (clash) open(clash);
  const box = document.getElementById("conflict");
  box.querySelector("p").textContent = tell("conflict");
  box.hidden = false;
  box.focus();
}

function showTheirs(language, name, text) {
  const box = boxOf(language, name).querySelector("[data-theirs]");
  const heading = document.createElement("strong");
  heading.textContent = tell("both_changed");
  const quote = document.createElement("p");
  quote.textContent = text || "–";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = tell("take_theirs");
  button.addEventListener("click", () => {
    put(language, name, text);
    box.hidden = true;
    fieldOf(language, name).focus();
  });
  box.replaceChildren(heading, quote, button);
  box.hidden = false;
}

const sources = () =>
  Object.fromEntries([...form.querySelectorAll("[data-source]")].filter((select) => select.value).map((select) => [select.closest("[data-language]").dataset.language, select.value]));

function explain(error) {
  if (error.code === "draft_takes_away") return refuse(tell("draft_takes_away"));
  if (error.code === "id_taken") return refuse(tell("id_taken"));
  if (error.code === "bad_article") {
    const [, language, name] = /^languages\.(\w+)\.(\w+)/.exec(error.body.detail) ?? [];
    const known = languages.includes(language) && FIELDS.includes(name);
    return refuse(`${tell("bad_article")} ${error.body.detail}`, known ? language : null, known ? name : null);
  }
  return refuse(error.message);
}

async function setState(act) {
  try {
    const why = document.getElementById("retire-why").value.trim();
    const saved = await send(`/api/articles/${encodeURIComponent(form.dataset.id)}/${act}`, { why });
    // Only our own step is stepped over: where somebody has saved a text meanwhile, the next save must notice it.
    if (saved.revision === Number(form.dataset.revision) + 1) form.dataset.revision = saved.revision;
    const gone = saved.state === "retired";
    document.getElementById("retired-chip").hidden = !gone;
    document.querySelector('[data-do="retire"]').hidden = gone;
    document.querySelector('[data-do="restore"]').hidden = !gone;
    toast(tell(gone ? "retired" : "restored"));
  } catch (error) {
    toast(error.message, { kind: "bad" });
  }
}

function leave(path) {
  leaving = true;
  location.assign(path);
}

function suggestId() {
  if (form.dataset.id || form.elements.id.dataset.own) return;
  const question = written("en", "question") || written(current(), "question");
  form.elements.id.value = question.normalize("NFKD").replace(/\p{M}/gu, "").replace(/ł/g, "l").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 48);
}

form.addEventListener("input", (event) => {
  const panel = event.target.closest("[data-language]");
  if (panel) measure(panel.dataset.language);
  if (event.target === form.elements.id) form.elements.id.dataset.own = "yes";
  else suggestId();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
form.querySelector('[role="tablist"]').addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = (languages.indexOf(current()) + step + languages.length) % languages.length;
  open(languages[next], { focus: true });
});
document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tab]");
  if (tab) open(tab.dataset.tab);
  const act = event.target.closest("[data-do]")?.dataset.do;
  if (act === "retire") document.getElementById("retire-dialog").showModal();
  if (act === "restore") setState("restore");
  const state = event.target.closest("[data-save]")?.dataset.save;
  if (state) save(state);
});
document.getElementById("retire-dialog").addEventListener("close", (event) => {
  if (event.target.returnValue === "yes") setState("retire");
  event.target.returnValue = "";
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    save();
  }
});
addEventListener("beforeunload", (event) => {
  if (!leaving && form.dataset.writable === "yes" && dirty()) event.preventDefault();
});

languages.forEach(measure);
open(current());
