import type { AnyModel, RenderProps } from "@anywidget/types";
import { element } from "../core/dom";
import { widget } from "../core/host";
import { Listeners } from "../core/listeners";
import { LiveRegion } from "../core/live";
import { own } from "../core/own";
import { Requests } from "../core/requests";
import { type ActingModel, SelectionBar } from "../core/selection_bar";
import { copy } from "./copy";
import { Editor } from "./editor";
import { FilterPanel } from "./filter";
import { Grid } from "./grid";
import { gridKeys } from "./keys";
import { Pages } from "./pages";
import { Reader } from "./reader";
import { Summaries } from "./summaries";
import type { TableModel } from "./model";
import "./table.css";

export type { Column, Row, TableModel } from "./model";

const LARGE = 200_000; // above this many records, columns are counted only on request, as it takes seconds per million
const MANY = 100; // above this many records, Delete has to be pressed twice

function render({ model, el }: Pick<RenderProps<TableModel>, "model" | "el">): () => void {
  const listeners = new Listeners();
  const requests = new Requests(model, listeners);
  // Random rather than counted, because each widget on a page loads its own copy of this module.
  const id = `cl-table-${Math.random().toString(36).slice(2)}`;
  const name = model.get("collection_name");
  const status = new LiveRegion();
  const announcer = new LiveRegion(true);
  const search = element("input", { id: `${id}-search`, type: "search", autocomplete: "off", spellcheck: "false", dir: "auto", placeholder: "Documents containing…" });
  const button = (what: string, text: string, title = ""): HTMLButtonElement => element("button", { type: "button", "data-do": what, ...(title && { title }) }, text);
  const narrow = button("narrow", "Only selected");
  const undo = button("undo", "Undo", "Ctrl+Z");
  const remove = button("delete", "Delete", "Delete the selected records or the active row");
  const clear = button("clear", "Clear filters");
  const where = element("code", { class: "cl-where", dir: "ltr" });
  const filters = element("div", { class: "cl-filtering", hidden: "" }, where, clear);
  const tools = element(
    "div",
    { class: "cl-tools", role: "group", "aria-label": "Table tools" },
    element("label", { for: search.id, class: "cl-spoken" }, "Documents containing"),
    search,
    narrow,
    remove,
    undo,
    button("ids", "Copy IDs"),
    button("command", "Copy command", "Copy a command that reads these records"),
    button("refresh", "Refresh"),
  );
  const keysId = `${id}-keys`;
  const keys = element(
    "p",
    { id: keysId, class: "cl-spoken" },
    "Arrow keys move, Enter edits a value, opens a document, or sorts in the header, F filters the column, Space selects, Delete deletes the record, Control+Z undoes.",
  );

  const grid: Grid = new Grid(id, listeners, (at) => pages.row(at), (first, last) => pages.want(first, last));
  const pages = new Pages(requests, () => paint());
  const editor = new Editor(grid, requests);
  const reader = new Reader(requests, listeners, () => grid.element.focus());
  const filter = new FilterPanel(requests, listeners, () => grid.element.focus());
  const conditionOf = (key: string) => own(model.get("conditions"), key);
  const summaries = new Summaries(requests, (key, summary) => {
    const cell = grid.cells.find(({ column }) => column.key === key);
    cell?.counted(summary);
    if (cell) filter.update(cell, conditionOf(key));
  });
  grid.element.setAttribute("aria-label", `Records of ${name}`);
  grid.element.setAttribute("aria-describedby", keysId);
  grid.element.style.height = `${model.get("height")}px`;
  const bar = new SelectionBar(model as unknown as AnyModel<ActingModel>, requests, listeners, {
    clear: () => requests.send("select_all", { on: false }),
    home: grid.element,
    without: ["delete"],
  });
  const root = element("div", { class: "chromalab-widget cl-table cl-small" }, tools, filters, filter.element, grid.element, status.element, bar.element, reader.element, keys, announcer.element);

  const asked = new Set<string>(); // columns of a large collection that were requested to be counted
  let painted = 0;
  let armed = false; // whether Delete was pressed once for many records
  let anchor = { row: 0, generation: Infinity }; // where a range of rows starts

  const paint = (): void => {
    grid.paint();
    editor.move();
    root.dataset.painted = String((painted += 1)); // for browser tests: counts the draws
  };
  const drawStatus = (): void => {
    const error = model.get("error");
    root.classList.toggle("cl-busy", model.get("busy"));
    status.announce(error || model.get("status"), error !== "");
  };
  const drawTools = (): void => {
    const count = model.get("selected");
    narrow.setAttribute("aria-pressed", String(model.get("only_selection")));
    narrow.textContent = `Only selected (${count.toLocaleString("en-US")})`;
    narrow.disabled = count === 0 && !model.get("only_selection");
    undo.disabled = model.get("undoable") === "";
    undo.title = undo.disabled ? "Nothing to undo" : `Undo ${model.get("undoable")} (Ctrl+Z)`;
    const text = model.get("where_text");
    where.textContent = text;
    filters.hidden = text === "" && model.get("contains") === "";
    if (!search.matches(":focus")) search.value = model.get("contains");
  };
  const drawHead = (): void => {
    const order = model.get("order_by");
    for (const cell of grid.cells) {
      const { key } = cell.column;
      cell.sorted(order === `-${key}` ? "down" : order === key && !key.startsWith("-") ? "up" : "none");
      cell.filtered(conditionOf(key));
      filter.update(cell, conditionOf(key));
    }
  };
  const drawColumns = (): void => {
    grid.setColumns(model.get("columns"));
    drawHead();
    count();
  };
  const count = (): void => {
    const keys = model.get("columns").map(({ key }) => key);
    const due = model.get("records") <= LARGE ? keys : keys.filter((key) => asked.has(key));
    for (const cell of grid.cells) if (keys.includes(cell.column.key) && !due.includes(cell.column.key)) cell.offer();
    summaries.count(due, model.get("generation"));
  };
  const drawRows = (): void => {
    pages.expire(model.get("stamp"));
    grid.setTotal(model.get("total"));
    paint();
  };

  const act = (what: string): void => {
    const { row, column } = grid.active;
    const head = grid.cells[column];
    const record = row < 0 ? undefined : pages.row(row);
    if (what !== "delete") armed = false;
    if (what === "sort" && head && head.column.key !== "#document") {
      const now = model.get("order_by");
      const { key } = head.column;
      // A "-" means descending order, so a field whose name starts with one has only that order.
      requests.send("sort", { column: key, direction: now === `-${key}` ? "none" : now === key || key.startsWith("-") ? "down" : "up" });
    } else if (what === "filter" && head) {
      if (head.column.key === "#document") search.focus();
      else if (head.column.key !== "#id") {
        filter.open(head, conditionOf(head.column.key));
        act("count");
      }
    } else if (what === "count" && head) {
      asked.add(head.column.key);
      count();
    } else if (what === "open" && row < 0) act("sort");
    else if (what === "open" && record && head?.column.key.startsWith("#")) reader.open(record.id);
    else if (what === "open" && record) editor.open(record.id, { row, column }).catch(failed);
    else if (what === "delete") {
      const many = record === undefined || record.selected;
      if (many && model.get("selected") > MANY && !armed) {
        armed = true;
        return status.announce(`Delete ${model.get("selected").toLocaleString("en-US")} records? Press Delete again to confirm. Undo restores them.`);
      }
      armed = false;
      requests.send("delete", { ids: many ? null : [record.id] });
    } else if (what === "narrow") requests.send("narrow", { on: !model.get("only_selection") });
    else if (what === "command") copy(root, model.get("command"), (copied) => announcer.announce(copied ? "Command copied" : "Copy the command from the box"));
    else if (what === "ids") {
      requests
        .ask<{ text: string }>("ids")
        .then(({ body }) => copy(root, body.text, (copied) => announcer.announce(copied ? "IDs copied" : "Copy the IDs from the box")))
        .catch(failed);
    } else if (what === "undo" || what === "clear" || what === "refresh") requests.send(what);
    else if (what === "all") requests.send("select_all", { on: model.get("selected") < model.get("total") });
  };
  const failed = (problem: Error): void => status.announce(problem.message, true);
  /** Selects a row, or a range from the last selected row. The kernel refuses rows that have changed since. */
  const select = (row: number, mode: "replace" | "toggle", range: boolean): void => {
    if (row < 0) return;
    const here = { row, generation: pages.generation(row) ?? model.get("generation") };
    const from = range ? anchor : here;
    if (!range || anchor.generation < here.generation) anchor = here;
    requests.send("select", { at: from.row, to: range ? row : null, mode, generation: Math.min(from.generation, here.generation) });
  };
  const escape = (): boolean => {
    if (editor.close() || reader.close() || bar.close()) return true;
    if (filter.isOpen) filter.close();
    else if (search.matches(":focus") && search.value !== "") {
      search.value = "";
      requests.send("search", { text: "" });
    } else return false; // nothing to close, so the notebook gets the key
    return true;
  };
  const onDown = (event: MouseEvent): void => {
    const position = grid.positionOf(event.target);
    if (!event.shiftKey || event.button !== 0 || position === undefined || position.row < 0) return;
    // JupyterLab handles the rest of a Shift gesture itself: https://github.com/jupyterlab/jupyterlab/issues/8543
    event.preventDefault();
    event.stopPropagation();
    grid.element.focus();
    grid.go(position.row, position.column);
    select(position.row, "replace", true);
  };
  const onClick = (event: MouseEvent): void => {
    const target = event.target as HTMLElement;
    const position = grid.positionOf(target);
    const what = target.closest<HTMLElement>("[data-do]")?.dataset.do;
    if (position === undefined || (event.shiftKey && position.row >= 0)) return;
    grid.go(position.row, position.column);
    const key = grid.columns[position.column]?.key ?? "";
    const bin = target.closest<HTMLElement>("[data-bin]")?.dataset.bin;
    const token = target.closest<HTMLElement>("[data-token]")?.dataset.token;
    const summary = grid.cells[position.column]?.summary;
    if (bin !== undefined && (summary?.kind === "numbers" || summary?.kind === "dates")) {
      const at = Number(bin);
      requests.send("range", { column: key, low: summary.edges[at], high: summary.edges[at + 1], closed: summary.closed && at === summary.counts.length - 1 });
    } else if (token !== undefined) requests.send("pick", { column: key, tokens: conditionOf(key)?.tokens.includes(token) ? [] : [token] });
    else if (what !== undefined) act(what);
    else if (position.row >= 0) {
      const more = event.ctrlKey || event.metaKey;
      // If only the selection is listed, a plain click would leave a single row.
      if (more || !model.get("only_selection")) select(position.row, more ? "toggle" : "replace", false);
    }
  };

  gridKeys(root, grid, listeners, {
    act,
    escape,
    select: (range) => (range ? select(grid.active.row, "replace", true) : select(grid.active.row, "toggle", false)),
    enter: (target) => {
      if (editor.isOpen) void editor.save();
      else if (target === search) requests.send("search", { text: search.value.trim() });
      else if (filter.element.contains(target)) return filter.apply();
      else return false;
      return true;
    },
  });
  listeners.onElement(grid.element, "mousedown", onDown);
  listeners.onElement(grid.element, "click", onClick);
  listeners.onElement(grid.element, "dblclick", () => grid.active.row >= 0 && act("open"));
  for (const bar of [tools, filters]) listeners.onElement(bar, "click", (event) => {
    const what = (event.target as HTMLElement).closest<HTMLElement>("button")?.dataset.do;
    if (what !== undefined) act(what);
  });
  // The × of a search box clears it.
  listeners.onElement(search, "search" as "input", () => search.value.trim() !== model.get("contains") && requests.send("search", { text: search.value.trim() }));
  for (const trait of ["error", "busy", "status"]) listeners.onModel(model, `change:${trait}`, drawStatus);
  for (const trait of ["selected", "only_selection", "undoable", "where_text", "contains"]) listeners.onModel(model, `change:${trait}`, drawTools);
  for (const trait of ["order_by", "conditions"]) listeners.onModel(model, `change:${trait}`, drawHead);
  for (const trait of ["stamp", "total"]) listeners.onModel(model, `change:${trait}`, drawRows);
  listeners.onModel(model, "change:selection_changes", () => bar.draw(model.get("selected")));
  listeners.onModel(model, "change:columns", drawColumns);
  listeners.onModel(model, "change:generation", count);
  listeners.add(() => editor.release());

  el.append(root);
  drawStatus();
  drawTools();
  bar.draw(model.get("selected"));
  drawColumns();
  drawRows();
  return () => {
    listeners.release();
    root.remove();
  };
}

export default widget(render);
