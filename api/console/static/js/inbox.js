// The inbox: turns clicks and keys into decisions, and follows what happens elsewhere.
import { send } from "./api.js";
import * as decide from "./decide.js";
import * as editor from "./editor.js";
import { listen } from "./live.js";
import {
  caseId, filter, go, lookAgain, mountCase, mountQueue, open, panes, quiet, refresh, refreshCase, refreshQueue, seen, step,
} from "./panes.js";
import { say } from "./texts.js";
import { toast } from "./toast.js";

const CALM_MS = 600;

async function attempt(work) {
  const box = document.getElementById("refusal");
  if (box) box.hidden = true;
  try {
    return await work();
  } catch (refusal) {
    decide.explain(refusal, lookAgain);
    if (refusal.status === 409) await refreshCase().catch(quiet);
    return null;
  }
}

async function publish() {
  const panel = editor.current();
  if (!panel || document.getElementById("send").disabled || performance.now() - seen.changedAt < CALM_MS) return;
  if (seen.unseen) return document.getElementById("live-note").querySelector("button").focus();
  document.getElementById("send").disabled = true;
  document.activeElement?.blur(); // out of the text: the key that takes it back must work at once
  const draft = panel.dataset.draft ? Number(panel.dataset.draft) : null;
  const done = await attempt(() => decide.decide("publish", { draft, text: editor.textOf(panel) }));
  if (done) {
    const seconds = decide.secondsLeft(done, Number(panes.dataset.undoSeconds));
    if (seconds > 0.3) decide.offerUndo(done.decision.id, seconds, refresh);
    else toast(say("on_its_way"), { name: "undo" });
    await refresh();
    document.querySelector('#actions [data-do="next"]')?.focus();
  } else editor.update();
}

const SAID = { reject: "rejected", hand_off: "handed_off", no_reply: "no_reply", hide: "hidden" };

async function conclude(form) {
  const act = form.dataset.act;
  const fields = Object.fromEntries(new FormData(form));
  const reason = (fields.other || fields.reason || "").trim();
  if (act === "dismiss_task") {
    const task = document.getElementById("correction").dataset.corrects;
    if (await attempt(() => send(`/api/tasks/${task}/dismiss`, { reason }))) toast(say("settled"));
    return refresh();
  }
  const draft = act === "reject" ? Number(editor.current().dataset.draft) : null;
  const done = await attempt(() => decide.decide(act, { draft, reason, team: fields.team ?? null }));
  if (!done) return;
  form.reset();
  toast(say(SAID[act]), { name: "undo" });
  await refresh();
  if (act !== "reject") document.querySelector('#actions [data-do="next"]')?.focus();
}

async function take() {
  if (editor.desk().dataset.holder !== "") return;
  if ((await attempt(() => decide.claim())) !== null) await refreshCase();
}

const ACTIONS = {
  open: (element) => open(element.dataset.case),
  next: () => go(1),
  previous: () => go(-1),
  step: (element) => step(element.dataset.step),
  group: ({ dataset: { group } }) => filter(group === "mine" ? { mine: "1", state: "" } : { mine: "", state: group }),
  page: (element) => filter({ page: element.dataset.page }),
  "more-filters": () => {
    const box = document.getElementById("more-filters");
    box.hidden = !box.hidden;
    mountQueue();
    if (!box.hidden) box.querySelector("select").focus();
  },
  order: (element) => filter({ order: element.dataset.order }),
  fold: () => {
    const boxes = [...document.querySelectorAll("#tree [data-fold]")];
    const unfold = boxes.some((box) => !box.open);
    for (const box of boxes) box.open = unfold;
  },
  tab: (element) => {
    editor.select(element.dataset.tab);
    if (element.dataset.tab === "own") {
      editor.edit();
      take();
    }
  },
  edit: () => {
    step("desk");
    editor.edit();
    take();
  },
  use: (element) => {
    step("desk");
    editor.use(element.dataset.text);
    take();
  },
  restore: () => editor.restore(),
  sources: () => editor.nextSource(),
  send: publish,
  undo: (element) => decide.undo(element.dataset.decision, refresh),
  claim: take,
  release: async () => {
    await decide.release(caseId()).catch(quiet);
    toast(say("released"));
    refresh();
  },
  reopen: async () => {
    const done = await attempt(() => send(`/api/cases/${caseId()}/reopen`, {}));
    if (done) toast(say("reopened"));
    refresh();
  },
  seen: lookAgain,
  translate: async ({ dataset }) => {
    const done = await attempt(() => send(`/api/articles/${encodeURIComponent(dataset.article)}/translate`, { language: dataset.language }));
    if (done) toast(say("translation_asked"));
  },
  dialog: (element) => document.getElementById(`dialog-${element.dataset.dialog}`).showModal(),
  settle: async ({ dataset }) => {
    const done = await attempt(() => send(`/api/publications/${dataset.publication}/settle`, { there: dataset.there === "yes" }));
    if (done) toast(say("settled"));
    refresh();
  },
  retry: async ({ dataset }) => {
    const done = await attempt(() => send(`/api/publications/${dataset.publication}/retry`, {}));
    if (done) toast(say("retried"));
    refresh();
  },
};

document.addEventListener("click", (event) => {
  const element = event.target.closest("[data-do]");
  const action = element && ACTIONS[element.dataset.do];
  if (!action || event.ctrlKey || event.metaKey || event.shiftKey || getSelection()?.type === "Range") return;
  event.preventDefault();
  action(element);
});

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-writing]")) {
    editor.typed();
    if (editor.desk().dataset.holder === "") take();
  }
  if (event.target.id === "q") {
    clearTimeout(filter.timer);
    filter.timer = setTimeout(() => filter({ q: event.target.value }), 250);
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("#more-filters select")) filter({ [event.target.name]: event.target.value });
});

document.addEventListener("submit", (event) => {
  if (event.target.id === "filters") event.preventDefault();
  if (event.target.dataset.act) conclude(event.target);
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches("[data-writing]")) editor.left();
  if (event.target.matches(".sentence")) editor.showSource(null);
});
for (const kind of ["focusin", "mouseover"]) {
  document.addEventListener(kind, (event) => {
    const sentence = event.target.closest?.(".sentence");
    if (sentence) editor.showSource(sentence);
  });
}
document.addEventListener("mouseout", (event) => {
  const left = event.target.closest?.("[data-panel]");
  if (left && !left.contains(event.relatedTarget) && !document.activeElement?.matches(".sentence")) editor.showSource(null);
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches?.("[data-writing]")) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      publish();
    }
    if (event.key === "Escape") {
      event.target.blur();
      document.getElementById("send")?.focus();
    }
  }
  if (event.target.matches?.("#q") && event.key === "Escape") event.target.blur();
  if (event.target.matches?.(".sentence") && event.key === "Enter") {
    document.querySelector(`#evidence-${CSS.escape(event.target.dataset.evidence)} a`)?.click();
  }
  if (event.target.matches?.('[role="tab"]') && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
    const tabs = [...document.querySelectorAll('#drafts [role="tab"]')];
    const to = tabs[(tabs.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : tabs.length - 1)) % tabs.length];
    editor.select(to.dataset.tab);
    to.focus();
  }
});

document.addEventListener("toggle", (event) => {
  const name = event.target.dataset?.remember;
  if (name) localStorage.setItem(`odzew.open.${name}`, event.target.open ? "yes" : "no");
}, true);

addEventListener("popstate", () => {
  const id = location.pathname.match(/^\/inbox\/(\d+)$/)?.[1];
  if (id && id !== caseId()) open(id, { push: false });
  refreshQueue().catch(quiet);
});
addEventListener("resize", () => step(panes.dataset.step));
addEventListener("pagehide", () => {
  if (caseId() && !editor.isDirty()) decide.release(caseId(), { keepalive: true }).catch(() => undefined);
});

// The hold is renewed while its holder is at work on it.
let activeAt = performance.now();
for (const kind of ["input", "keydown", "pointerdown"]) addEventListener(kind, () => (activeAt = performance.now()), { passive: true });
setInterval(() => {
  const desk = editor.desk();
  const most = Number(desk?.dataset.claimSeconds ?? 0) * 1000;
  if (desk && decide.holds(caseId()) && performance.now() - activeAt < most) decide.claim({ renew: true }).catch(quiet);
}, 30000);

let waiting = null;
let lost = false;
const soon = (event) => {
  const concerns = !event || String(event.case_id) === caseId() || String(event.conversation_id) === document.getElementById("thread")?.dataset.conversation;
  waiting = { case: (waiting?.case ?? false) || concerns };
  setTimeout(() => {
    if (!waiting || document.hidden) return;
    const both = waiting.case;
    waiting = null;
    (both ? refresh() : refreshQueue()).catch(quiet);
  }, 120);
};
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && waiting) soon();
});
listen({
  onEvent: soon,
  onState: (alive) => {
    document.getElementById("offline").hidden = alive;
    if (alive && lost) soon();
    lost = !alive;
  },
});

if (editor.desk()?.dataset.message) decide.look(performance.now());
mountQueue();
mountCase();
step(panes.dataset.step);
document.querySelector("#rows [aria-current]")?.scrollIntoView({ block: "nearest" });
document.querySelector("#tree .target")?.scrollIntoView({ block: "center" });
document.documentElement.dataset.ready = "inbox";
