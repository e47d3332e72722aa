// On every page: keys, theme, language, toasts, what to do when the connection is lost.
import { startKeys } from "./keys.js";
import { startTimes } from "./time.js";

const cookie = (name, value) => {
  document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=strict`;
};

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`tz=${zone}`)) cookie("tz", zone);

const isDark = () => {
  const theme = document.documentElement.dataset.theme;
  return theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  if (button.dataset.do === "theme") {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    cookie("theme", theme);
  }
  if (button.dataset.do === "close-dialog") button.closest("dialog").close();
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-language]");
  if (form) form.submit();
});

// A text that was never sent is not left behind for the next person at this screen.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-leave]")) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith("odzew.text.")) localStorage.removeItem(key);
});

startKeys();
startTimes();
