// The life of an article: review and approval, roll-back, texts for one channel, owner and dates, comparing versions.
import { part, send } from "./api.js";
import { FIELDS, current, form, languages, measure, put, tell } from "./article-text.js";
import { toast } from "./toast.js";

const SIDE = "odzew.editor.side";
const why = () => document.getElementById("why")?.value.trim() ?? "";

// What the server alone knows is drawn again; what the person is writing stays.
export async function renew() {
  const html = await part(location.pathname);
  if (html === null) return;
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const box of document.querySelectorAll("[data-renew]")) {
    const other = fresh.querySelector(`[data-renew="${box.dataset.renew}"]`);
    if (other) box.replaceChildren(...other.childNodes);
  }
  document.getElementById("article-title").textContent = fresh.getElementById("article-title").textContent;
}

async function change(path, body, method = "POST") {
  try {
    const saved = await send(path, body, { method, headers: { "If-Match": `"${form.dataset.revision}"` } });
    // Only our own step is stepped over: where somebody has saved a text meanwhile, the next save must notice it.
    if (saved.revision === Number(form.dataset.revision) + 1) form.dataset.revision = saved.revision;
    const field = document.getElementById("why");
    if (field) field.value = "";
    toast(tell("done"));
    follow(saved);
    await renew();
    return saved;
  } catch (error) {
    const known = { own_text: "own_text", edited_meanwhile: "reload" }[error.code];
    toast(known ? tell(known) : error.message, { kind: "bad" });
    return null;
  }
}

// An approved or rolled-back text is in the fields too, unless the person has written something else there.
function follow(saved) {
  for (const language of languages) {
    for (const name of FIELDS.slice(2)) {
      const held = known_(language, name);
      const now = saved.languages[language]?.[name] ?? "";
      if (held.untouched) put(language, name, now);
    }
    measure(language);
  }
}

const known_ = (language, name) => {
  const field = form.querySelector(`#${name}-${language}`);
  return { untouched: field.value.trim() === field.defaultValue.trim() };
};

const article = () => encodeURIComponent(form.dataset.id);

const ACTIONS = {
  move: ({ dataset }) => change(`/api/versions/${dataset.version}/move`, { to: dataset.to, why: why() }),
  "roll-back": ({ dataset }) => change(`/api/versions/${dataset.version}/roll-back`, { why: why() }),
  fill: (button) => {
    const panel = button.closest("[data-language]");
    const text = button.closest("[data-open]").querySelector("[data-whole]").content.textContent;
    const publicToo = button.dataset.audience === "public" && form.querySelector(`#public-${panel.dataset.language}`).value.trim();
    put(panel.dataset.language, publicToo ? "public" : "answer", text);
  },
  still: ({ dataset, parentElement }) =>
    change(`/api/articles/${article()}/versions`, {
      language: dataset.language, audience: dataset.audience, text: parentElement.querySelector("[data-whole]").content.textContent,
      translated_from: Number(dataset.from), why: why(),
    }),
  "channel-text": async (button) => {
    const box = button.closest("[data-channel-form]");
    const given = Object.fromEntries([...box.querySelectorAll("[data-name]")].map((field) => [field.dataset.name, field.value]));
    if (!given.text.trim()) return box.querySelector("textarea").focus();
    await change(`/api/articles/${article()}/versions`, { ...given, language: button.closest("[data-language]").dataset.language, why: why() });
  },
  side: () => {
    localStorage.setItem(SIDE, form.dataset.view === "side" ? "" : "side");
    arrange();
  },
};

// Side by side every language is there at once; else one tab at a time.
function arrange() {
  const side = localStorage.getItem(SIDE) === "side";
  form.dataset.view = side ? "side" : "tabs";
  form.closest(".editor").classList.toggle("wide", side);
  document.querySelector('[data-do="side"]')?.setAttribute("aria-pressed", side);
  for (const panel of form.querySelectorAll(".panel")) panel.hidden = !side && panel.dataset.language !== current();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && ACTIONS[button.dataset.do]) ACTIONS[button.dataset.do](button);
});

document.addEventListener("change", async (event) => {
  const { compare } = event.target.dataset;
  if (!compare) return;
  const box = event.target.closest("details").querySelector("[data-compared]");
  box.replaceChildren();
  if (!event.target.value) return;
  const [before, after] = [Number(compare), Number(event.target.value)].sort((a, b) => a - b);
  const { pieces } = await send(`/api/versions/${before}/diff/${after}`, undefined, { method: "GET" });
  for (const { kind, text } of pieces) {
    const element = kind === "same" ? document.createTextNode(text) : document.createElement(kind);
    if (kind !== "same") element.textContent = text;
    box.append(element);
  }
});

const about = document.getElementById("about");
const local = (moment) => {
  const date = new Date(moment);
  return new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};
for (const field of about?.querySelectorAll("[data-moment]") ?? []) if (field.dataset.moment) field.value = local(field.dataset.moment);
about?.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(about));
  const moment = (text) => (text ? new Date(text).toISOString() : null);
  change(`/api/articles/${article()}/about`, {
    owner: given.owner, tags: given.tags.split(",").map((tag) => tag.trim()).filter(Boolean), source_language: given.source_language || null,
    valid_from: moment(given.valid_from), valid_to: moment(given.valid_to), review_at: moment(given.review_at), why: why(),
  }, "PUT");
});

arrange();
