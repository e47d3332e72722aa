// Claims and decisions. What the person was looking at (`seen`) goes with every decision; if the world has moved, the
// server refuses, the difference is shown, and the person's text stays where it is.
import { Refusal, send } from "./api.js";
import { showDiff } from "./diff.js";
import * as editor from "./editor.js";
import { say } from "./texts.js";
import { toast } from "./toast.js";

const claims = new Map();
let seen = { message: null };
let attempt = { body: null, key: null };
const sent = new Map();

const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export function look(openedAt) {
  const { message, revision, seq, text } = editor.desk().dataset;
  seen = { message, revision: Number(revision), seq: Number(seq), text, openedAt: openedAt ?? seen.openedAt };
}

export function moved() {
  const { message, revision, seq } = editor.desk().dataset;
  return seen.message !== message || seen.revision !== Number(revision) || seen.seq !== Number(seq);
}

export const isSameMessage = () => seen.message === editor.desk()?.dataset.message;

export function noteClaim() {
  const { case: id, token, holder } = editor.desk().dataset;
  if (token) claims.set(id, Number(token));
  else if (holder === "other") claims.delete(id);
}

export async function claim({ renew = false } = {}) {
  const { case: id } = editor.desk().dataset;
  if (claims.has(id) && !renew) return claims.get(id);
  const answer = await send(`/api/cases/${id}/claim`, {});
  claims.set(id, answer.claim_token);
  return answer.claim_token;
}

export const holds = (id) => claims.has(String(id));

export async function release(id, { keepalive = false } = {}) {
  const token = claims.get(String(id));
  if (token === undefined) return;
  claims.delete(String(id));
  await send(`/api/cases/${id}/release`, { claim_token: token }, { keepalive });
}

export async function decide(act, extra = {}) {
  const { case: id, message } = editor.desk().dataset;
  const claim_token = await claim();
  const body = {
    message: Number(message), act, claim_token, target_revision: seen.revision, subtree_seq: seen.seq,
    seconds: Math.round((performance.now() - seen.openedAt) / 100) / 10, ...extra,
  };
  const corrects = document.getElementById("correction")?.dataset.corrects;
  if (corrects && act === "publish") body.corrects = Number(corrects);
  const asked = JSON.stringify({ id, ...body, seconds: 0 });
  // The same wish after a lost answer carries the same key, so that it cannot count twice.
  if (attempt.body !== asked) attempt = { body: asked, key: newKey(), sent: body };
  let done;
  try {
    done = await send(`/api/cases/${id}/decisions`, attempt.sent, { headers: { "Idempotency-Key": attempt.key } });
  } catch (refusal) {
    if (refusal.status > 0) attempt = { body: null };
    if (refusal.code === "claim_lost") {
      claims.delete(id);
      await claim();
    }
    throw refusal;
  }
  attempt = { body: null };
  if (act !== "reject") claims.delete(id);
  const panel = editor.current();
  if (act === "publish" && editor.isEdited(panel)) sent.set(String(done.decision.id), { message, tab: panel.dataset.panel, text: body.text });
  editor.forget(message);
  return done;
}

export const secondsLeft = (done, most) => {
  const now = done._date ? Date.parse(done._date) : Date.now();
  return Math.min(most, Math.max(0, (Date.parse(done.publication.not_before) - now) / 1000));
};

export function offerUndo(decision, seconds, undone) {
  toast("", {
    name: "undo", seconds, count: (left) => say("will_be_sent", { seconds: left }), label: say("undo"), key: "z",
    action: () => undo(decision, undone),
  });
}

export async function undo(decision, undone) {
  document.querySelector('#toasts [data-name="undo"]')?.remove();
  try {
    await send(`/api/decisions/${decision}/undo`, {});
    if (sent.has(String(decision))) editor.bring(sent.get(String(decision)));
    toast(say("undone"), { name: "undo" });
  } catch (refusal) {
    toast(refusal.message, { kind: "bad" });
  }
  undone();
}

// The named refusals after which a person has to look again, with what is different.
const CHANGED = ["target_edited", "target_deleted", "target_hidden", "new_messages", "evidence_changed", "already_answered", "case_closed", "claimed"];

export function explain(refusal, lookAgain) {
  if (!(refusal instanceof Refusal)) throw refusal;
  if (!CHANGED.includes(refusal.code)) {
    const box = document.getElementById("refusal");
    if (!box) return void toast(refusal.message, { kind: "bad" });
    box.querySelector("[data-refusal]").textContent = refusal.message;
    box.hidden = false;
    return;
  }
  editor.pin();
  const dialog = document.getElementById("dialog-changed");
  dialog.querySelector("[data-changed-title]").textContent = refusal.message;
  dialog.querySelector("[data-changed-body]").replaceChildren(...difference(refusal));
  dialog.addEventListener("close", lookAgain, { once: true });
  dialog.showModal();
}

function difference({ code, body }) {
  if (code === "target_edited") return [showDiff(seen.text ?? "", body.text ?? "")];
  if (code === "new_messages") {
    return body.messages.map((message) => {
      const quote = document.createElement("blockquote");
      const author = document.createElement("strong");
      author.textContent = `${message.author}: `;
      quote.append(author, message.text);
      return quote;
    });
  }
  if (code === "evidence_changed" && body.article) {
    const link = document.createElement("a");
    link.href = `/knowledge/${encodeURIComponent(body.article)}`;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = body.article;
    return [link];
  }
  return [];
}
