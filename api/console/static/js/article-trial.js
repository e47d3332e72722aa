// "Try it": which article would answer a message.
import { send } from "./api.js";
import { current, form, tell } from "./article-text.js";

async function tryOut(text) {
  const box = document.getElementById("tried");
  const asked = new URLSearchParams({ q: text, language: current(), audience: "private" });
  try {
    const { hits } = await send(`/api/knowledge/search?${asked}`, undefined, { method: "GET" });
    if (!hits.length) return box.replaceChildren(tell("nothing_found"));
    const list = document.createElement("ol");
    for (const hit of hits) list.append(row(hit));
    box.replaceChildren(list);
  } catch (error) {
    if (error.code !== "warming_up") return box.replaceChildren(error.message);
    const { done, of } = error.body;
    box.replaceChildren(tell("waiting") + (of ? ` ${done} / ${of}` : ""));
    setTimeout(() => tryOut(text), 2500);
  }
}

function row(hit) {
  const item = document.createElement("li");
  const sure = document.createElement("span");
  sure.className = "sure number";
  sure.textContent = Math.round(hit.probability * 100);
  const words = document.createElement("span");
  const link = document.createElement(hit.article === form.dataset.id ? "strong" : "a");
  link.textContent = hit.article === form.dataset.id ? `${hit.article} (${tell("here")})` : hit.article;
  if (link.matches("a")) link.href = `/knowledge/${encodeURIComponent(hit.article)}`;
  const like = document.createElement("span");
  like.className = "muted small";
  like.textContent = hit.phrasing;
  words.append(link, document.createElement("br"), like);
  item.append(sure, words);
  return item;
}

document.getElementById("try").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = document.getElementById("try-text").value.trim();
  if (text) tryOut(text);
});
