// What changed between two texts, word by word: [[kind, words], ...] with kind "same", "del" or "ins".
export function diff(before, after) {
  const a = before.split(/(\s+)/);
  const b = after.split(/(\s+)/);
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i][j] = a[i] === b[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const parts = [];
  const add = (kind, word) => {
    if (parts.at(-1)?.[0] === kind) parts.at(-1)[1] += word;
    else parts.push([kind, word]);
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      add("same", a[i++]);
      j++;
    } else if (i < a.length && (j === b.length || longest[i + 1][j] >= longest[i][j + 1])) add("del", a[i++]);
    else add("ins", b[j++]);
  }
  return parts;
}

export function showDiff(before, after) {
  const quote = document.createElement("blockquote");
  for (const [kind, words] of diff(before, after)) {
    if (kind === "same") quote.append(words);
    else {
      const element = document.createElement(kind);
      element.textContent = words;
      quote.append(element);
    }
  }
  return quote;
}
