// Calls to the product's own API. A refusal is an Error with its code and everything the server said.
import { has, say } from "./texts.js";

export class Refusal extends Error {
  constructor(status, body) {
    super(Refusal.sentence(status, body));
    this.status = status;
    this.code = body.code ?? "failed";
    this.body = body;
  }

  static sentence(status, body) {
    if (body.code === "claimed") return say("claimed_by", { name: body.holder ?? "?" });
    if (body.code && has(body.code)) return say(body.code);
    if (status === 0) return say("offline");
    if (status === 429) return say("too_many");
    return body.detail ? `${say("failed")} ${body.detail}` : say("failed");
  }
}

const token = () => document.querySelector('meta[name="csrf-token"]').content;

export async function send(path, body, { method = "POST", headers = {}, keepalive = false } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method, keepalive, credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token(), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refusal(0, {});
  }
  const text = await answer.text();
  const content = (answer.headers.get("Content-Type") ?? "").includes("json") && text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Refusal(answer.status, content);
  return { ...content, _date: answer.headers.get("Date") };
}

export async function part(path) {
  const answer = await fetch(path, { credentials: "same-origin", headers: { Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname === "/login") {
    location.assign(answer.url);
    return null;
  }
  if (!answer.ok) throw new Refusal(answer.status, {});
  return answer.text();
}
