// Put new HTML in the place of old without touching what has not changed: no jump, no lost focus, no lost text.
// Children are matched by id, else by place. An element with data-keep keeps its own value and what its user has opened.
const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
};

const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id ?? "") === (b.id ?? "");

// What the person has opened, folded or chosen belongs to them, not to the server.
const theirs = (element, name) =>
  (name === "open" && element.nodeName === "DETAILS") || (name === "hidden" && element.hasAttribute("data-theirs"));

const attributes = (old, fresh) => {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !theirs(old, name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (!theirs(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
};

const children = (old, fresh) => {
  const byId = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const known = next.id ? byId.get(next.id) : null;
    if (known && same(known, next)) {
      if (known !== at) old.insertBefore(known, at);
      else at = at.nextSibling;
      node(known, next);
    } else if (at && same(at, next) && !next.id) {
      const here = at;
      at = at.nextSibling;
      node(here, next);
    } else old.insertBefore(next, at);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
};

const node = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-keep") || old.isEqualNode(fresh)) return;
  if (old.nodeName === "TEMPLATE") return void old.replaceWith(fresh);
  attributes(old, fresh);
  if (old.hasAttribute("data-deadline")) return;
  if (old.hasAttribute("data-keep-fields") && old.contains(document.activeElement)) return;
  children(old, fresh);
};

export function patch(element, html) {
  const holder = element.cloneNode(false);
  holder.append(parse(html));
  children(element, holder);
}
