// Count-downs: <… data-deadline="moment"> shows the time left, marked soon or late.
import { say } from "./texts.js";

const SOON_MINUTES = 15;

const words = (minutes) => {
  const size = Math.abs(minutes);
  if (size < 60) return `${size} ${say("minute")}`;
  if (size < 48 * 60) return `${Math.floor(size / 60)} ${say("hour")} ${size % 60 ? `${size % 60} ${say("minute")}` : ""}`.trim();
  return `${Math.floor(size / 1440)} ${say("day")}`;
};

export function showTimes(root = document) {
  for (const element of root.querySelectorAll("[data-deadline]")) {
    const minutes = Math.floor((Date.parse(element.dataset.deadline) - Date.now()) / 60000);
    const text = minutes < 0 ? `−${words(minutes)}` : words(minutes);
    if (element.textContent !== text) element.textContent = text;
    element.classList.toggle("late", minutes < 0);
    element.classList.toggle("soon", minutes >= 0 && minutes < SOON_MINUTES);
  }
}

export function startTimes() {
  showTimes();
  setInterval(showTimes, 10000);
}
