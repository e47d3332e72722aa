// Short messages at the bottom, one per kind at a time; some with a button and the time it is there for.
const shelf = () => document.getElementById("toasts");

export function toast(text, { kind = "", action = null, label = "", key = "", seconds = 5, count = null, name = "note" } = {}) {
  shelf().querySelector(`[data-name="${name}"]`)?.remove();
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  box.dataset.name = name;
  const words = document.createElement("span");
  words.textContent = count ? count(Math.ceil(seconds)) : text;
  box.append(words);
  let timer = null;
  const close = () => {
    clearInterval(timer);
    box.remove();
  };
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    if (key) {
      button.dataset.key = key;
      button.setAttribute("aria-keyshortcuts", key);
      const kbd = document.createElement("kbd");
      kbd.textContent = key;
      kbd.setAttribute("aria-hidden", "true");
      button.append(kbd);
    }
    button.addEventListener("click", () => {
      close();
      action();
    });
    box.append(button);
  }
  const ends = performance.now() + seconds * 1000;
  if (count) {
    const bar = document.createElement("progress");
    bar.max = seconds;
    bar.value = seconds;
    bar.setAttribute("aria-hidden", "true");
    box.append(bar);
    words.setAttribute("aria-live", "off");
    timer = setInterval(() => {
      const left = (ends - performance.now()) / 1000;
      if (left <= 0) return close();
      bar.value = left;
      words.textContent = count(Math.ceil(left));
    }, 250);
  } else timer = setTimeout(close, seconds * 1000);
  shelf().append(box);
  return close;
}
