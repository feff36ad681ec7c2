import { element } from "../core/dom";
import type { Item, ShownRecord } from "./model";

const MARKS = { "1": "ins", "-1": "del" } as const;

/** Draws an item: its heading, facts and records. All text becomes text nodes. */
export function itemView(item: Item, name: string): HTMLElement[] {
  const parts: HTMLElement[] = [element("div", { class: "cl-heading", role: "heading", "aria-level": "3", dir: "auto" }, item.heading)];
  if (item.guess !== "") parts.push(element("p", { class: "cl-guess", dir: "auto" }, "Guess: ", element("b", {}, item.guess)));
  if (item.facts.length > 0) {
    parts.push(element("dl", {}, ...item.facts.flatMap(([label, value]) => [element("dt", {}, label), element("dd", { dir: "auto" }, value)])));
  }
  parts.push(element("ol", { class: "cl-records", role: "list" }, ...item.records.map((record, at) => recordItem(record, item.keeps_one, name, at === 0))));
  if (item.more > 0) parts.push(element("p", { class: "cl-absent" }, `${item.more.toLocaleString("en")} more records not shown`));
  return parts;
}

function recordItem(record: ShownRecord, keepsOne: boolean, name: string, first: boolean): HTMLLIElement {
  const text = element("p", { class: "cl-document", dir: "auto" });
  for (const [piece, mark] of record.text) text.append(mark === 0 ? piece : element(MARKS[mark > 0 ? "1" : "-1"], {}, piece));
  if (record.text.every(([piece]) => piece === "")) text.replaceChildren(element("span", { class: "cl-absent" }, "no document"));
  const facts = element("ul", { class: "cl-facts" }, element("li", { class: "cl-id" }, record.id));
  for (const [key, value, differs] of record.metadata) {
    facts.append(element("li", { class: differs ? "cl-chip cl-differs" : "cl-chip" }, element("span", {}, `${key} `), value));
  }
  const item = element("li", { class: "cl-record" });
  if (keepsOne) {
    const radio = element("input", { type: "radio", name, value: record.id, "aria-label": `Keep ${record.id}`, title: "Keep this record" });
    radio.checked = first;
    item.append(radio);
  }
  const body = element("div", {}, text, facts);
  if (record.note !== "") body.prepend(element("small", { class: "cl-absent" }, record.note));
  item.append(body);
  return item;
}
