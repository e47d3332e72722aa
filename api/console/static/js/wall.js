// The wall: post, reply, and look every second and a half whether somebody has answered.
import { part, send } from "./api.js";
import { patch } from "./patch.js";

const LOOK_MS = 1500;
const NAME = "odzew.wall.name";
const MINE = "odzew.wall.private";
const feed = document.getElementById("feed");
const main = document.getElementById("main");
let last = feed.innerHTML;

async function look() {
  const query = new URLSearchParams(location.search);
  query.set("part", "feed");
  const html = await part(`${location.pathname}?${query}`);
  if (html === null || html === last) return;
  last = html;
  const known = new Set([...feed.querySelectorAll(".wall-post")].map((post) => post.id));
  // A reply that is being written stays in its place while the thread around it grows.
  const writing = feed.querySelector("form.reply");
  const place = writing?.closest(".wall-post").id;
  writing?.remove();
  patch(feed, html);
  if (writing) document.getElementById(place)?.querySelector(".grow").append(writing);
  for (const post of feed.querySelectorAll(".wall-post")) if (!known.has(post.id)) post.classList.add("fresh");
}

const mine = () => JSON.parse(localStorage.getItem(MINE) ?? "[]");

function showMine() {
  const list = document.getElementById("mine");
  if (!list) return;
  for (const { thread, text } of mine()) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/wall/${encodeURIComponent(thread)}`;
    link.textContent = text;
    item.append(link);
    list.append(item);
  }
}

async function post(form) {
  const wrong = form.querySelector("[data-wrong]");
  wrong.hidden = true;
  const { author, text } = Object.fromEntries(new FormData(form));
  const parent = form.closest(".wall-post")?.id.replace(/^post-/, "") ?? null;
  const thread = form.closest("[data-thread]")?.dataset.thread || null;
  const isPublic = form.dataset.public !== "no";
  let made;
  try {
    made = await send("/api/wall/posts", { author, text, parent, thread, public: isPublic });
  } catch (refusal) {
    wrong.textContent = refusal.message;
    wrong.hidden = false;
    return;
  }
  localStorage.setItem(NAME, author);
  if (parent) form.remove();
  else form.elements.text.value = "";
  if (!isPublic) {
    localStorage.setItem(MINE, JSON.stringify([{ thread: made.thread, text: text.slice(0, 60) }, ...mine()].slice(0, 20)));
    location.assign(`/wall/${encodeURIComponent(made.thread)}`);
    return;
  }
  await look();
  document.getElementById(`post-${made.id}`)?.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-post]")) return;
  event.preventDefault();
  post(event.target);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button?.dataset.do === "cancel-reply") button.closest("form").remove();
  if (button?.dataset.do !== "reply") return;
  feed.querySelector("form.reply")?.remove();
  const form = document.getElementById("reply-form").content.firstElementChild.cloneNode(true);
  button.closest(".grow").append(form);
  form.elements.author.value = localStorage.getItem(NAME) ?? "";
  (form.elements.author.value ? form.elements.text : form.elements.author).focus();
});

const author = document.getElementById("author");
if (author) author.value = localStorage.getItem(NAME) ?? "";
showMine();
setInterval(() => {
  if (!document.hidden) look().catch(() => undefined);
}, LOOK_MS);
