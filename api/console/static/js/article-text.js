// What stands in the editor's fields, beside what the server holds; counters and the marks on the tabs.
import { count } from "./count.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
export const form = document.getElementById("article");
const limits = read("article-limits");
const sentences = read("article-sentences");
export const FIELDS = ["question", "variants", "answer", "public"];
export const panels = [...form.querySelectorAll("[data-language]")];
export const languages = panels.map((panel) => panel.dataset.language);

// What the server holds, as far as this page knows: the common ground when two people edit at once.
export const known = { article: read("article-text") };

export const tell = (name, values = {}) => sentences[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
const panelOf = (language) => panels.find((panel) => panel.dataset.language === language);
export const boxOf = (language, name) => panelOf(language).querySelector(`[data-field="${name}"]`);
export const fieldOf = (language, name) => boxOf(language, name).querySelector("textarea");
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const tidy = (name, text) => (name === "variants" ? lines(text).join("\n") : name === "question" ? text.split(/\s+/).join(" ").trim() : text.trim());
export const written = (language, name) => tidy(name, fieldOf(language, name).value);
export const heldIn = (article, language, name) => {
  const value = article.languages[language]?.[name] ?? "";
  return tidy(name, Array.isArray(value) ? value.join("\n") : value);
};
export const isEmpty = (language) => FIELDS.every((name) => !written(language, name));
const isDirty = (language) => FIELDS.some((name) => written(language, name) !== heldIn(known.article, language, name));
export const dirty = () =>
  languages.some(isDirty) || form.elements.category.value.trim() !== known.article.category || (!form.dataset.id && form.elements.id.value.trim() !== "");
export const current = () => form.querySelector('[role="tab"][aria-selected="true"]').dataset.tab;

export function body() {
  const said = {};
  for (const language of languages) {
    if (isEmpty(language)) continue;
    said[language] = {
      question: written(language, "question"),
      variants: lines(written(language, "variants")),
      answer: written(language, "answer"),
      public: written(language, "public") || null,
    };
  }
  return { category: form.elements.category.value.trim(), languages: said };
}

export function measure(language) {
  for (const name of ["answer", "public"]) {
    const text = fieldOf(language, name).value.trim();
    const audience = name === "public" || !written(language, "public") ? "public" : "private";
    const over = limits.filter((kind) => count(text, kind[audience][1]) > kind[audience][0]).map((kind) => kind.name);
    const hint = boxOf(language, name).querySelector("[data-count]");
    hint.textContent = text ? tell("characters", { count: [...text].length }) + (over.length ? ` · ${tell("too_long_for", { channels: over.join(", ") })}` : "") : "";
    hint.classList.toggle("over", over.length > 0);
  }
  boxOf(language, "variants").querySelector("[data-lines]").textContent = lines(fieldOf(language, "variants").value).length || "";
  const dot = form.querySelector(`#tab-${language} [data-dot]`);
  const state = isDirty(language) ? "dirty" : written(language, "answer") ? "has" : written(language, "question") ? "asks" : "";
  dot.className = `dot ${state}`;
  // The colour said in words, for whoever hears the page.
  form.querySelector(`#tab-${language} [data-said]`).textContent = ` (${tell(`is_${state || "missing"}`)})`;
}

export function put(language, name, text) {
  const field = fieldOf(language, name);
  if (field.value !== text) field.value = text;
  measure(language);
}
