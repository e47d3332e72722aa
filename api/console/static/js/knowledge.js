// The list of articles: rows by words at once, and beside them what the search by meaning finds.
import { part, send } from "./api.js";
import { toast } from "./toast.js";

const finder = document.getElementById("finder");
const PAUSE_MS = 180;
const WAIT_MS = 2500;
let typed = null;
let again = null;
let asked = 0;

const query = (page) => {
  const chosen = new URLSearchParams();
  for (const [name, value] of new FormData(finder)) if (value && !(name === "state" && value === "active")) chosen.set(name, value);
  if (page > 1) chosen.set("page", page);
  return chosen;
};

const address = (chosen, which) => {
  const whole = new URLSearchParams(chosen);
  if (which) whole.set("part", which);
  const text = whole.toString();
  return text ? `${finder.getAttribute("action")}?${text}` : finder.getAttribute("action");
};

async function put(which, chosen, number) {
  const html = await part(address(chosen, which));
  // An answer that has been overtaken by a newer question is not shown.
  if (html === null || number !== asked) return;
  document.getElementById(which).innerHTML = html;
  if (which === "meaning") waitForMeaning(chosen);
}

function waitForMeaning(chosen) {
  clearTimeout(again);
  if (document.querySelector("#meaning [data-waiting]")) {
    again = setTimeout(() => put("meaning", chosen, asked).catch(failed), WAIT_MS);
  }
}

const failed = (error) => toast(error.message, { kind: "bad" });

function show(page = 1) {
  const chosen = query(page);
  asked += 1;
  history.replaceState(null, "", address(chosen));
  put("list", chosen, asked).catch(failed);
  put("meaning", chosen, asked).catch(failed);
}

finder.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(show, PAUSE_MS);
});

finder.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typed);
  show();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("#list a[data-page]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  show(Number(link.dataset.page));
  document.getElementById("list").scrollIntoView({ block: "start" });
});

const dialog = document.getElementById("view-dialog");
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-do]");
  if (button?.dataset.do === "save-view") dialog.showModal();
  if (button?.dataset.do === "forget-view") {
    await send(`/api/knowledge/views/${button.dataset.view}`, undefined, { method: "DELETE" }).catch(failed);
    button.closest("li").remove();
  }
});
dialog.addEventListener("close", async () => {
  const field = document.getElementById("view-name");
  const name = field.value.trim();
  field.value = "";
  if (dialog.returnValue !== "yes" || !name) return;
  try {
    await send("/api/knowledge/views", { name, query: query(1).toString() });
    location.reload();
  } catch (error) {
    failed(error);
  }
});

waitForMeaning(query(1));
