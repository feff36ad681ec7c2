import type { RenderProps } from "@anywidget/types";
import { element } from "../core/dom";
import { widget } from "../core/host";
import { onKeys } from "../core/keyboard";
import { Listeners } from "../core/listeners";
import { LiveRegion } from "../core/live";
import { ago } from "./ago";
import { showChild } from "./child";
import "./panel.css";

export interface Described {
  name: string;
  records: number;
  dimension: number | null;
  model: string;
  space: string;
  indexed: string;
  version: number;
  written: string | null; // an ISO time
}

/** The synced traits of `Panel` in panel.py; a Python test checks that the two agree. */
export interface PanelModel {
  title: string;
  collections: Described[];
  opened: string | null;
  opened_name: string;
  opened_kind: string;
  status: string;
  error: string;
  busy: boolean;
}

const WIDGETS = [
  ["map", "Map"],
  ["search_panel", "Search"],
  ["table", "Table"],
] as const;
const COLUMNS = ["collection", "records", "dimension", "model", "distance", "indexed", "version", "written"] as const;
const TICK = 30_000; // ms between updates of "3 minutes ago"

function render({ model, el }: Pick<RenderProps<PanelModel>, "model" | "el">): () => void {
  const listeners = new Listeners();
  const id = `cl-panel-${Math.random().toString(36).slice(2)}`;
  const status = new LiveRegion();
  const rows = element("tbody");
  const head = element("tr", {}, ...COLUMNS.map((column) => element("th", { scope: "col" }, column)), element("th", { scope: "col" }, "open"));
  const table = element("table", { "aria-labelledby": id }, element("thead", {}, head), rows);
  const refresh = element("button", { type: "button", "data-do": "refresh" }, "Refresh");
  const heading = element("b", { id, dir: "auto" });
  const bar = element("div", { class: "cl-bar" }, heading, refresh);
  const title = element("b", { dir: "auto" });
  const hide = element("button", { type: "button", "data-do": "hide" }, "Close");
  const child = element("div", { class: "cl-child" });
  const below = element("div", { class: "cl-below", role: "region", hidden: "" }, element("div", { class: "cl-bar" }, title, hide), child);
  const scroller = element("div", { class: "cl-scroller", tabindex: "0", role: "region", "aria-labelledby": id }, table);
  const root = element("div", { class: "chromalab-widget cl-panel cl-small" }, bar, scroller, status.element, below);

  let shown: string | null = null; // the reference to the widget below
  let drop: () => void = () => undefined;
  let painted = 0;

  const drawStatus = (): void => {
    const error = model.get("error");
    root.classList.toggle("cl-busy", model.get("busy"));
    status.announce(error || (model.get("busy") ? "Opening…" : model.get("status")), error !== "");
  };
  const drawRows = (): void => {
    heading.textContent = model.get("title");
    const focused = document.activeElement instanceof HTMLElement && rows.contains(document.activeElement) ? document.activeElement.dataset : undefined;
    rows.replaceChildren(...model.get("collections").map((row) => drawRow(row, model)));
    if (model.get("collections").length === 0) {
      rows.append(element("tr", {}, element("td", { colspan: String(COLUMNS.length + 1) }, "No collections yet")));
    }
    for (const button of rows.querySelectorAll("button")) {
      if (focused && button.dataset.name === focused.name && button.dataset.widget === focused.widget) button.focus();
    }
    root.dataset.painted = String((painted += 1)); // for browser tests: counts the draws
  };
  const drawChild = (): void => {
    const reference = model.get("opened");
    below.hidden = reference === null;
    const kind = WIDGETS.find(([name]) => name === model.get("opened_kind"))?.[1] ?? "";
    title.textContent = `${kind} of ${model.get("opened_name")}`;
    below.setAttribute("aria-label", title.textContent);
    if (reference === shown) return;
    shown = reference;
    drop();
    drop = () => undefined;
    child.replaceChildren();
    if (reference === null) return;
    showChild(model, reference, child).then(
      (undo) => {
        if (shown === reference) drop = undo;
        else undo(); // another widget was opened in the meantime
      },
      () => child.replaceChildren(element("p", {}, "The widget cannot be shown here. End a cell with panel.opened to show it.")),
    );
  };
  const onOpened = (): void => {
    drawRows();
    drawChild();
  };

  listeners.onElement(root, "click", (event) => {
    const button = (event.target as HTMLElement).closest("button");
    if (button === null || child.contains(button)) return;
    const { do: what, name, widget } = button.dataset;
    if (what !== undefined) model.send({ verb: what });
    else if (name !== undefined) model.send({ verb: "open", name, widget });
  });
  const step = (by: number, across: boolean) => (event: KeyboardEvent): boolean | void => {
    const all = [...rows.querySelectorAll("button")];
    const at = all.indexOf(event.target as HTMLButtonElement);
    const next = all[at + by * (across ? 1 : WIDGETS.length)];
    if (at < 0 || next === undefined) return false;
    next.focus();
  };
  onKeys(scroller, listeners, {
    ArrowDown: step(1, false),
    ArrowUp: step(-1, false),
    ArrowRight: step(1, true),
    ArrowLeft: step(-1, true),
    Enter: (event) => (event.target instanceof HTMLButtonElement ? event.target.click() : false),
    " ": (event) => (event.target instanceof HTMLButtonElement ? event.target.click() : false),
  });
  for (const trait of ["error", "busy", "status"]) listeners.onModel(model, `change:${trait}`, drawStatus);
  for (const trait of ["title", "collections"]) listeners.onModel(model, `change:${trait}`, drawRows);
  for (const trait of ["opened", "opened_name", "opened_kind"]) listeners.onModel(model, `change:${trait}`, onOpened);
  const ticking = setInterval(() => {
    for (const time of rows.querySelectorAll("time")) time.textContent = ago(time.dateTime);
  }, TICK);
  listeners.add(() => clearInterval(ticking));
  listeners.add(() => {
    shown = null;
    drop();
  });

  el.append(root);
  drawStatus();
  onOpened();
  return () => {
    listeners.release();
    root.remove();
  };
}

function drawRow(row: Described, model: { get(key: "opened_name" | "opened_kind"): string }): HTMLElement {
  const cells = [row.records.toLocaleString("en-US"), row.dimension === null ? "–" : String(row.dimension), row.model, row.space, row.indexed, String(row.version), written(row)];
  const buttons = WIDGETS.map(([widget, label]) => {
    const open = model.get("opened_name") === row.name && model.get("opened_kind") === widget;
    const button = element("button", { type: "button", "data-name": row.name, "data-widget": widget, "aria-pressed": String(open) }, label);
    button.setAttribute("aria-label", `${label} of ${row.name}`);
    return button;
  });
  return element(
    "tr",
    {},
    element("th", { scope: "row", dir: "auto" }, row.name),
    ...cells.map((cell) => element("td", {}, cell)),
    element("td", { class: "cl-buttons" }, ...buttons),
  );
}

function written({ written }: Described): HTMLElement | string {
  return written === null ? "–" : element("time", { datetime: written, title: new Date(written).toLocaleString() }, ago(written));
}

export default widget(render);
