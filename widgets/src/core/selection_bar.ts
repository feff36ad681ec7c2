import type { AnyModel } from "@anywidget/types";
import { element } from "./dom";
import type { Listeners } from "./listeners";
import type { Requests } from "./requests";
import { echoChanges, type SelectingModel } from "./selection";

/** The traits of a widget with a bar over its selection. */
export interface ActingModel extends SelectingModel {
  collection_name: string;
  /** Whether the selected records can be written to. */
  can_act: boolean;
}

interface Feature {
  field: string;
  value: string;
  selected: number;
  others: number;
  /** Null if no other record has it. */
  lift: number | null;
}

interface Shift {
  field: string;
  selected: number | string;
  others: number | string;
  higher: number;
}

interface Contrast {
  selected: number;
  others: number;
  features: Feature[];
  shifts: Shift[];
}

interface Found {
  id: string;
  document: string | null;
  distance: number;
}

interface Options {
  /** Clears the selection. */
  clear: () => void;
  /** Takes the focus when the focused part of the bar disappears. */
  home: HTMLElement;
  /** Buttons of the widget itself, before the actions. */
  buttons?: readonly HTMLElement[];
  /** Actions that the widget offers elsewhere. */
  without?: readonly Action[];
}

const ACTIONS = { label: "Label", contrast: "What sets these apart", query: "Search in these", export: "Export", delete: "Delete" } as const;
type Action = keyof typeof ACTIONS;

/** What can be done with the selected records. Each action opens a panel below the bar and is a call of `collection.selection`. */
export class SelectionBar {
  readonly element: HTMLElement;
  readonly #requests: Requests;
  readonly #name: string;
  readonly #home: HTMLElement;
  readonly #panel = element("div", { class: "cl-action", role: "group", hidden: "" });
  readonly #message = element("p", { class: "cl-message", "aria-live": "polite" });
  readonly #buttons = new Map<Action, HTMLButtonElement>();
  #open: Action | null = null;
  #count = 0;
  #opened = 0; // increases when another panel opens, so that late replies are dropped

  constructor(model: AnyModel<ActingModel>, requests: Requests, listeners: Listeners, { clear, home, buttons = [], without = [] }: Options) {
    this.#requests = requests;
    this.#home = home;
    this.#name = model.get("collection_name");
    this.#panel.id = `cl-action-${Math.random().toString(36).slice(2)}`;
    const clearButton = button("Clear selection", { title: "Clear the selection (Esc)" });
    listeners.onElement(clearButton, "click", clear);
    const actions = element("div", { class: "cl-actions" });
    if (model.get("can_act")) {
      for (const action of (Object.keys(ACTIONS) as Action[]).filter((each) => !without.includes(each))) {
        const opener = button(ACTIONS[action], { "aria-expanded": "false", "aria-controls": this.#panel.id });
        this.#buttons.set(action, opener);
        actions.append(opener);
        listeners.onElement(opener, "click", () => (this.#open === action ? this.close() : this.#show(action)));
      }
    }
    const row = element("div", { class: "cl-selected-row" }, ...buttons, clearButton, actions);
    this.element = element("section", { class: "cl-selection cl-small", "aria-label": "Selection", hidden: "" }, row, this.#panel, this.#message);
    listeners.onElement(this.#panel, "submit", (event) => event.preventDefault());
    echoChanges(model, listeners);
  }

  /** Shows the bar if records are selected; an open panel is about the earlier selection and closes. */
  draw(count: number): void {
    const focused = this.element.contains(document.activeElement);
    this.#count = count;
    this.#hide();
    this.#say("");
    this.element.classList.toggle("cl-empty", count === 0);
    if (focused && (count === 0 || !this.element.contains(document.activeElement))) this.#home.focus();
  }

  /** Closes the open panel; returns false if there is none. */
  close(): boolean {
    const open = this.#open;
    if (open === null) return false;
    this.#hide();
    this.#say("");
    this.#buttons.get(open)?.focus();
    return true;
  }

  #hide(): void {
    this.#opened += 1;
    if (this.#open !== null) this.#buttons.get(this.#open)?.setAttribute("aria-expanded", "false");
    this.#open = null;
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
  }

  #show(action: Action): void {
    this.#hide();
    this.#say("");
    this.#open = action;
    this.#buttons.get(action)?.setAttribute("aria-expanded", "true");
    this.#panel.setAttribute("aria-label", ACTIONS[action]);
    this.#panel.hidden = false;
    const parts = { label: this.#label, contrast: this.#contrast, query: this.#query, export: this.#export, delete: this.#delete };
    parts[action].call(this);
    this.#panel.querySelector<HTMLElement>("input, button")?.focus();
  }

  #say(text: string, failed = false): void {
    this.#message.textContent = text;
    this.#message.classList.toggle("cl-failed", failed);
    this.element.hidden = this.#count === 0 && text === "";
  }

  /** Asks the kernel; an answer that comes after the panel has closed is dropped. */
  async #ask<Body>(verb: string, fields: Readonly<Record<string, unknown>>, done: (body: Body, buffers: DataView[]) => void): Promise<void> {
    const opened = this.#opened;
    this.#say("Working …");
    try {
      const { body, buffers } = await this.#requests.ask<Body>(`selection.${verb}`, fields);
      if (verb !== "delete" && opened !== this.#opened) return; // deleting ends the selection, and closes the panel
      this.#say("");
      done(body, buffers);
    } catch (problem) {
      if (opened === this.#opened) this.#say((problem as Error).message, true);
    }
  }

  #label(): void {
    const [fields, values] = [element("datalist", { id: `${this.#panel.id}-fields` }), element("datalist", { id: `${this.#panel.id}-values` })];
    const field = element("input", { type: "text", list: fields.id, autocomplete: "off", required: "", dir: "auto" });
    const value = element("input", { type: "text", list: values.id, autocomplete: "off", required: "", dir: "auto" });
    const write = button("Write label", { type: "submit", class: "cl-apply" });
    const form = element("form", {}, element("label", {}, "Field ", field), element("label", {}, "Value ", value), write, fields, values);
    const submit = (overwrite: boolean): void => {
      const given = { field: field.value.trim(), value: value.value.trim(), overwrite, count: this.#count };
      void this.#ask<{ changed?: number; conflicts?: number }>("label", given, ({ changed, conflicts }) => {
        if (conflicts === undefined) {
          this.#say(`${given.field} is now ${given.value} for ${records(this.#count)} (${plain(changed ?? 0)} changed).`);
          return;
        }
        const replace = button(`Replace ${plain(conflicts)} value${conflicts === 1 ? "" : "s"}`, { class: "cl-danger" });
        replace.addEventListener("click", () => {
          replace.remove();
          write.focus();
          submit(true);
        });
        form.querySelector(".cl-danger")?.remove();
        form.append(replace);
        this.#say(`${records(conflicts)} of the selection already ${conflicts === 1 ? "has" : "have"} another value of ${given.field}.`, true);
        replace.focus();
      });
    };
    form.addEventListener("submit", () => submit(false));
    field.addEventListener("change", () => {
      values.replaceChildren();
      if (field.value.trim() === "") return;
      void this.#requests.ask<{ values: string[] }>("selection.values", { field: field.value.trim() }).then(({ body }) => {
        values.replaceChildren(...body.values.map((known) => element("option", { value: known })));
      }, () => undefined);
    });
    void this.#requests.ask<{ fields: string[] }>("selection.fields").then(({ body }) => {
      fields.replaceChildren(...body.fields.map((known) => element("option", { value: known })));
    }, () => undefined);
    this.#panel.append(form);
  }

  #contrast(): void {
    void this.#ask<Contrast>("contrast", {}, ({ selected, others, features, shifts }) => {
      if (features.length + shifts.length === 0) return this.#say("Nothing sets these records apart that could not be chance.");
      const share = (count: number, of: number): string => `${plain(count)} (${percent(count / of)})`;
      const rows = [
        ...features.map(({ field, value, selected: here, others: there, lift }) =>
          row(field === "" ? "word" : field, value, share(here, selected), share(there, others), lift === null ? "only here" : `${plain(lift)} times`)),
        ...shifts.map(({ field, selected: here, others: there, higher }) =>
          row(field, "median", plain(here), plain(there), `${higher >= 0.5 ? "higher" : "lower"} in ${percent(Math.max(higher, 1 - higher))} of pairs`)),
      ];
      const head = ["Field", "Value", `Of these ${plain(selected)}`, `Of the ${plain(others)} others`, "Difference"];
      const table = element("table", {}, element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))), element("tbody", {}, ...rows));
      this.#panel.replaceChildren(element("div", { class: "cl-scroll", tabindex: "0", role: "region", "aria-label": "Over-represented words and values" }, table));
    });
  }

  #query(): void {
    const text = element("input", { type: "search", autocomplete: "off", "aria-label": `Search in ${records(this.#count)}`, placeholder: "Search by meaning in the selection", dir: "auto" });
    const found = element("ol", { class: "cl-found" });
    const form = element("form", {}, text, button("Search", { type: "submit" }));
    form.addEventListener("submit", () => {
      void this.#ask<{ rows: Found[] }>("query", { text: text.value.trim() }, ({ rows }) => {
        found.replaceChildren(...rows.map(({ id, document, distance }) =>
          element("li", {}, element("span", { dir: "auto" }, document ?? id), element("small", {}, distance.toFixed(3)))));
        this.#say(`${records(rows.length)} of ${plain(this.#count)}, nearest first.`);
      });
    });
    this.#panel.append(form, found);
  }

  #export(): void {
    const path = element("input", { type: "text", autocomplete: "off", spellcheck: "false", value: `${this.#name}.csv`, "aria-label": "File on the computer of the kernel" });
    const overwrite = element("input", { type: "checkbox" });
    const download = button("Download CSV");
    const form = element("form", {}, element("label", {}, "File ", path), button("Write", { type: "submit" }), element("label", { class: "cl-tick" }, overwrite, "Replace an existing file"), download);
    form.addEventListener("submit", () => {
      const fields = { path: path.value, overwrite: overwrite.checked };
      void this.#ask<{ path: string; records: number }>("export", fields, (written) => this.#say(`${records(written.records)} written to ${written.path}`));
    });
    download.addEventListener("click", () => {
      void this.#ask("download", {}, (_, [content]) => {
        if (content === undefined) return;
        const link = element("a", { download: `${this.#name}.csv`, href: URL.createObjectURL(new Blob([content as BlobPart], { type: "text/csv" })) });
        link.click();
        URL.revokeObjectURL(link.href);
        this.#say(`${records(this.#count)} downloaded as ${this.#name}.csv`);
      });
    });
    this.#panel.append(element("small", {}, "CSV, Parquet or JSON (.csv, .parquet, .json, .jsonl), written where the kernel runs."), form);
  }

  #delete(): void {
    const many = records(this.#count);
    const yes = button(`Delete ${many}`, { class: "cl-danger" });
    const no = button("Cancel");
    yes.addEventListener("click", () => {
      void this.#ask<{ deleted: number }>("delete", { count: this.#count }, ({ deleted }) => this.#say(`${records(deleted)} deleted.`));
    });
    no.addEventListener("click", () => this.close());
    this.#panel.append(element("p", {}, `Delete ${many} from ${this.#name}?`), element("div", { class: "cl-actions" }, no, yes));
  }
}

function button(text: string, attributes: Readonly<Record<string, string>> = {}): HTMLButtonElement {
  return element("button", { type: "button", ...attributes }, text);
}

function row(field: string, value: string, ...rest: readonly string[]): HTMLElement {
  return element("tr", {}, element("td", {}, field), element("td", { dir: "auto" }, value), ...rest.map((text) => element("td", {}, text)));
}

function records(count: number): string {
  return `${plain(count)} record${count === 1 ? "" : "s"}`;
}

function plain(value: number | string): string {
  return typeof value === "string" ? value : value.toLocaleString("en", { maximumSignificantDigits: Number.isInteger(value) ? 21 : 3 });
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
}
