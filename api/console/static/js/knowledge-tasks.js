// Languages, tasks, recall lists and boards: one click asks, decides or dismisses; the page is drawn anew from the server.
import { send } from "./api.js";
import { toast } from "./toast.js";

const failed = (error) => toast(error.message, { kind: "bad" });

async function ask(path, body) {
  try {
    await send(path, body);
    location.reload();
  } catch (error) {
    failed(error);
  }
}

const ACTIONS = {
  translate: ({ dataset }) => ask(`/api/articles/${encodeURIComponent(dataset.article)}/translate`, { language: dataset.language }),
  recall: ({ dataset }) =>
    ask(`/api/versions/${dataset.version}/recall`, {
      publications: dataset.publication ? [Number(dataset.publication)] : null,
      why: document.getElementById("recall-why")?.value.trim() ?? "",
    }),
  compute: () => ask("/api/knowledge/boards/compute", {}),
  // What agents keep writing becomes a draft; it is said once somebody has approved it.
  propose: async (button) => {
    const { article, language, audience, kind, finding } = button.dataset;
    const path = `/api/articles/${encodeURIComponent(article)}`;
    try {
      const held = await send(path, undefined, { method: "GET" });
      const text = button.parentElement.querySelector("[data-whole]").content.textContent;
      const body = { language, audience, channel_kind: kind, text, state: "draft" };
      const same = held.variants.find((one) => one.language === language && one.audience === audience && one.channel_kind === kind);
      if (same?.source) body.translated_from = same.source.version;
      await send(`${path}/versions`, body, { headers: { "If-Match": `"${held.revision}"` } });
      await send(`/api/knowledge/findings/${finding}/decide`, { decision: "done", reason: "" });
      location.assign(`/knowledge/${encodeURIComponent(article)}#${language}`);
    } catch (error) {
      failed(error);
    }
  },
  "find-done": ({ dataset }) => ask(`/api/knowledge/findings/${dataset.finding}/decide`, { decision: "done", reason: "" }),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && ACTIONS[button.dataset.do]) ACTIONS[button.dataset.do](button);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const reason = form.elements.reason?.value.trim();
  if (form.dataset.dismiss) {
    event.preventDefault();
    ask(`/api/tasks/${form.dataset.dismiss}/dismiss`, { reason });
  } else if (form.dataset.finding) {
    event.preventDefault();
    ask(`/api/knowledge/findings/${form.dataset.finding}/decide`, { decision: "dismissed", reason });
  }
});
