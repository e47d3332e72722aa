// "Try it": which article answers a message now, and which would if what is written here were saved. Nothing is saved.
import { send } from "./api.js";
import { body, current, form, tell } from "./article-text.js";

async function tryOut(text) {
  const box = document.getElementById("tried");
  box.setAttribute("aria-busy", "true");
  const edited = body();
  const article = { id: form.elements.id.value.trim() || "new-article", category: edited.category, languages: edited.languages };
  try {
    const { before, after } = await send("/api/knowledge/try", { text, language: current(), article });
    box.replaceChildren(table(tell("now"), before, after, article.id), table(tell("after"), after, before, article.id));
  } catch (error) {
    if (error.code !== "warming_up") return box.replaceChildren(error.body?.detail ?? error.message);
    const { done, of } = error.body;
    box.replaceChildren(tell("waiting") + (of ? ` ${done} / ${of}` : ""));
    setTimeout(() => tryOut(text), 2500);
  } finally {
    box.removeAttribute("aria-busy");
  }
}

function table(title, found, other, own) {
  const box = document.createElement("section");
  const heading = document.createElement("h3");
  heading.textContent = title;
  const list = document.createElement("ol");
  for (const one of found) list.append(row(one, other, own));
  box.append(heading, found.length ? list : tell("nothing_found"));
  return box;
}

function row(one, other, own) {
  const item = document.createElement("li");
  const sure = document.createElement("span");
  sure.className = "sure number";
  sure.textContent = Math.round(one.probability * 100);
  const words = document.createElement("span");
  const link = document.createElement(one.article === own ? "strong" : "a");
  link.textContent = one.article === own ? `${one.article} (${tell("here")})` : one.article;
  if (link.matches("a")) link.href = `/knowledge/${encodeURIComponent(one.article)}`;
  const like = document.createElement("span");
  like.className = "muted small";
  like.textContent = one.phrasing;
  if (!other.some((held) => held.article === one.article)) item.className = "fresh";
  words.append(link, document.createElement("br"), like);
  item.append(sure, words);
  return item;
}

document.getElementById("try")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = document.getElementById("try-text").value.trim();
  if (text) tryOut(text);
});
