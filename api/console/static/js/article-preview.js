// The answer as each channel would take it: what fits, what is left out from the end, and how long it is there.
import { count } from "./count.js";
import { current, form, written } from "./article-text.js";

const limits = JSON.parse(document.getElementById("article-limits").textContent);
const kind = document.getElementById("preview-kind");
const audience = document.getElementById("preview-audience");

const sentences = (text, language) => [...new Intl.Segmenter(language, { granularity: "sentence" }).segment(text)].map((part) => part.segment);

const textFor = (language, who) => (who === "public" && written(language, "public")) || written(language, "answer");

function draw() {
  const language = current();
  const limit = limits[kind.value];
  const [most, counter] = limit[audience.value];
  const text = textFor(language, audience.value);
  const kept = sentences(text, language);
  const left = [];
  while (kept.length > 1 && count(kept.join("").trimEnd(), counter) > most) left.unshift(kept.pop());
  const box = document.getElementById("preview");
  box.lang = language;
  const gone = document.createElement("del");
  gone.textContent = left.join("");
  box.replaceChildren(kept.join("") || "–", ...(left.length ? [gone] : []));
  const over = count(kept.join("").trimEnd(), counter) > most;
  document.getElementById("preview-count").textContent = `${count(kept.join("").trimEnd(), counter)} / ${most}`;
  document.getElementById("preview-count").classList.toggle("over", over);
  const rows = limits.map((one) => {
    const [size, unit] = one[audience.value];
    const row = document.createElement("li");
    const meter = document.createElement("meter");
    Object.assign(meter, { max: size, high: size * 0.9, value: Math.min(count(text, unit), size) });
    const words = document.createElement("span");
    words.className = count(text, unit) > size ? "number over" : "number muted";
    words.textContent = `${count(text, unit)} / ${size}`;
    row.append(one.name, meter, words);
    return row;
  });
  document.getElementById("lengths").replaceChildren(...rows);
}

form.addEventListener("input", draw);
form.addEventListener("click", () => setTimeout(draw));
kind.addEventListener("change", draw);
audience.addEventListener("change", draw);
document.addEventListener("click", (event) => event.target.closest("[data-do]") && setTimeout(draw, 600));
draw();
