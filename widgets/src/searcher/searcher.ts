import type { RenderProps } from "@anywidget/types";
import { element } from "../core/dom";
import { highlight, queryTerms } from "../core/highlight";
import { Listeners } from "../core/listeners";
import "./searcher.css";

export interface Row {
  id: string;
  document: string | null;
  distance: number;
  metadata: [key: string, value: string][];
}

/** The synced traits of `Searcher` in searcher.py; a Python test holds the two together. */
export interface SearcherModel {
  collection_name: string;
  query: string;
  rows: Row[];
  status: string;
  error: string;
  busy: boolean;
}

function render({ model, el }: Pick<RenderProps<SearcherModel>, "model" | "el">): () => void {
  // Random, not counted: each widget on a page loads a module of its own.
  const inputId = `cl-searcher-${Math.random().toString(36).slice(2)}`;
  const label = element("label", { for: inputId }, "Search ", element("b", {}, model.get("collection_name")));
  const input = element("input", { id: inputId, type: "search", autocomplete: "off", spellcheck: "false", dir: "auto" });
  input.placeholder = "Describe what you are looking for";
  const button = element("button", { type: "button" }, "Search");
  const status = element("p", { class: "cl-status", role: "status", "aria-live": "polite" });
  // Safari drops the list role from a list without markers unless it is said.
  const results = element("ol", { class: "cl-results", role: "list", "aria-label": "Results" });
  const bar = element("div", { class: "cl-bar" }, input, button);
  const root = element("div", { class: "chromalab-widget cl-searcher", role: "search" }, label, bar, status, results);

  let waiting = false; // asked for here, not yet taken up by the kernel
  let painted = 0;

  const search = (): void => {
    const text = input.value.trim();
    if (text === "") return;
    waiting = true;
    model.send({ verb: "search", text });
    drawStatus();
  };
  const onKeydown = (event: KeyboardEvent): void => {
    if (event.target === input && !event.isComposing) {
      if (event.key === "Enter" && !event.repeat) search();
      if (event.key === "Escape") {
        if (input.value === "") return; // nothing to clear: the notebook may have the key
        input.value = "";
        event.preventDefault();
      }
    }
    // Plain keys are ours; in its command mode the notebook would take them for shortcuts.
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  };

  const drawStatus = (): void => {
    const busy = waiting || model.get("busy");
    const error = busy ? "" : model.get("error");
    root.classList.toggle("cl-busy", busy);
    results.setAttribute("aria-busy", String(busy));
    status.classList.toggle("cl-failed", error !== "");
    const progress = waiting ? "Waiting for the kernel…" : "Searching…";
    status.textContent = busy ? progress : error || model.get("status");
  };
  const drawRows = (): void => {
    const rows = model.get("rows");
    const terms = queryTerms(model.get("query"));
    const longest = Math.max(1, ...rows.map((row) => row.distance));
    const shortest = Math.min(0, ...rows.map((row) => row.distance));
    results.replaceChildren(
      ...rows.map((row, i) => resultItem(row, i + 1, terms, 1 - (0.8 * (row.distance - shortest)) / (longest - shortest))),
    );
    root.dataset.painted = String((painted += 1)); // for browser tests: counts the draws
  };
  const onBusy = (): void => {
    waiting = false;
    drawStatus();
  };
  const onQuery = (): void => {
    // A search from Python moves the box; the answer to our own must not overwrite what is being typed meanwhile.
    if (!input.matches(":focus")) input.value = model.get("query");
    drawRows();
  };

  const listeners = new Listeners();
  listeners.onElement(button, "click", search);
  listeners.onElement(root, "keydown", onKeydown);
  listeners.onModel(model, "change:busy", onBusy);
  listeners.onModel(model, "change:status", drawStatus);
  listeners.onModel(model, "change:error", drawStatus);
  listeners.onModel(model, "change:query", onQuery);
  listeners.onModel(model, "change:rows", drawRows);

  input.value = model.get("query");
  drawStatus();
  drawRows();
  el.append(root);
  return () => {
    listeners.release();
    root.remove();
  };
}

/** One record; `closeness` is 1 at distance 0 and 0.2 at the furthest shown (or at 1, when all are nearer). */
function resultItem(row: Row, rank: number, terms: readonly string[], closeness: number): HTMLLIElement {
  const text =
    row.document === null
      ? element("p", { class: "cl-document cl-absent" }, "no document")
      : element("p", { class: "cl-document", dir: "auto" }, ...highlight(row.document, terms));
  const facts = element("ul", { class: "cl-facts" }, element("li", { class: "cl-id" }, row.id));
  for (const [key, value] of row.metadata) {
    facts.append(element("li", { class: "cl-chip" }, element("span", {}, `${key} `), value));
  }
  const filled = element("i");
  filled.style.width = `${(100 * closeness).toFixed(1)}%`;
  const score = element(
    "div",
    { class: "cl-score", title: "distance: smaller is nearer" },
    element("span", { class: "cl-spoken" }, "distance "),
    row.distance.toFixed(4),
    element("div", { class: "cl-track", "aria-hidden": "true" }, filled),
  );
  const rankCell = element("span", { class: "cl-rank", "aria-hidden": "true" }, String(rank));
  return element("li", { class: "cl-result" }, rankCell, element("div", {}, text, facts), score);
}

export default { render };
