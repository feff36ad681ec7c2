import type { AnyModel } from "@anywidget/types";
import { element } from "../core/dom";
import { bars, boundIn, plain, rangeBoxes } from "../core/histogram";
import type { Listeners } from "../core/listeners";
import { own } from "../core/own";
import type { RangeFacet, SearchPanelModel, ValuesFacet } from "./model";

type Send = (verb: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The filter: a box for a typed condition, and checkboxes or ranges for the facets. */
export interface FilterPanel {
  button: HTMLButtonElement;
  panel: HTMLElement;
  box: HTMLInputElement;
  /** Sends the text of the box. */
  apply: () => void;
  /** Restores the filter that is applied; returns false if the box already shows it. */
  revert: () => boolean;
}

/** The metadata fields and their most frequent values are requested when the filter is first opened. */
export function filterPanel(model: AnyModel<SearchPanelModel>, listeners: Listeners, send: Send, id: string): FilterPanel {
  const box = element("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: 'year >= 2020 and venue in ("ACL", "EMNLP")' });
  const applyButton = element("button", { type: "button" }, "Apply");
  const pending = element("small", { id: `${id}-pending` });
  box.setAttribute("aria-describedby", pending.id);
  const typed = element("div", { class: "cl-typed" }, element("label", {}, "Only where ", box), applyButton, pending);
  const facets = element("div", { class: "cl-facets" });
  const panel = element("div", { class: "cl-filter cl-small", role: "group", "aria-label": "Filter by metadata", hidden: "" }, typed, facets);
  const button = element("button", { type: "button", "aria-expanded": "false" }, "Filter");
  let ticks: { key: string; position: number; tick: HTMLInputElement }[] = [];
  let ranges: { facet: RangeFacet; low: HTMLInputElement; high: HTMLInputElement; chart: HTMLElement }[] = [];
  let asked = false;

  const apply = (): void => send("restrict", { text: box.value });
  const drawCount = (): void => {
    const values = Object.values(model.get("chosen")).reduce((total, positions) => total + positions.length, 0);
    const count = values + Object.keys(model.get("ranges")).length + Number(model.get("where_text") !== "");
    button.textContent = count === 0 ? "Filter" : `Filter (${count})`;
  };
  const drawPending = (): void => {
    pending.textContent = box.value.trim() === model.get("where_text") ? "" : "Not applied";
  };
  const revert = (): boolean => {
    const changed = box.value !== model.get("where_text");
    box.value = model.get("where_text");
    drawPending();
    return changed;
  };
  const drawTyped = (): void => {
    // As with the query, text that is being typed is not overwritten.
    if (box.matches(":focus")) drawPending();
    else revert();
    drawCount();
  };
  const drawChosen = (): void => {
    const chosen = model.get("chosen");
    for (const { key, position, tick } of ticks) tick.checked = own(chosen, key)?.includes(position) ?? false;
    drawCount();
  };
  const drawRanges = (): void => {
    for (const { facet, low, high, chart } of ranges) {
      const [from, to] = own(model.get("ranges"), facet.key) ?? [null, null];
      for (const [box, value] of [[low, from], [high, to]] as const) if (!box.matches(":focus")) box.value = value === null ? "" : String(value);
      chart.replaceChildren(...bars(facet.histogram, { low: from, high: to }));
    }
    drawCount();
  };
  const valuesGroup = ({ key, values, more }: ValuesFacet): HTMLElement => {
    const group = element("fieldset", {}, element("legend", {}, key));
    values.forEach(([value, count], position) => {
      const tick = element("input", { type: "checkbox" });
      ticks.push({ key, position, tick });
      group.append(element("label", {}, tick, element("span", {}, value), element("small", {}, count.toLocaleString("en"))));
    });
    if (more > 0) group.append(element("small", { class: "cl-more" }, `${more.toLocaleString("en")} less frequent values not shown`));
    return group;
  };
  const rangeGroup = (facet: RangeFacet): HTMLElement => {
    const { low, high } = rangeBoxes(facet.histogram.kind, undefined);
    const chart = element("div", { class: "cl-histogram", "aria-hidden": "true" });
    ranges.push({ facet, low, high, chart });
    const [first, last] = [facet.histogram.edges[0], facet.histogram.edges.at(-1)];
    for (const box of [low, high]) if (box.type === "text") box.placeholder = plain((box === low ? first : last) ?? "");
    return element("fieldset", { class: "cl-range" }, element("legend", {}, facet.key), chart, element("label", {}, element("span", {}, "From"), low), element("label", {}, element("span", {}, "To"), high));
  };
  const drawFacets = (): void => {
    ticks = [];
    ranges = [];
    const groups = model.get("facets").map((facet) => ("histogram" in facet ? rangeGroup(facet) : valuesGroup(facet)));
    facets.replaceChildren(...(groups.length > 0 ? groups : [element("p", { class: "cl-absent" }, asked ? "No metadata to filter by." : "")]));
    drawChosen();
    drawRanges();
  };

  listeners.onElement(button, "click", () => {
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
    if (panel.hidden || asked) return;
    asked = true;
    if (model.get("facets").length === 0) send("facets");
  });
  listeners.onElement(applyButton, "click", apply);
  listeners.onElement(box, "input", drawPending);
  listeners.onElement(facets, "change", (event) => {
    const found = ticks.find(({ tick }) => tick === event.target);
    if (found) send("filter", { key: found.key, position: found.position, on: found.tick.checked });
    const range = ranges.find(({ low, high }) => low === event.target || high === event.target);
    if (range) send("range", { key: range.facet.key, low: boundIn(range.low), high: boundIn(range.high) });
  });
  listeners.onModel(model, "change:facets", drawFacets);
  listeners.onModel(model, "change:chosen", drawChosen);
  listeners.onModel(model, "change:ranges", drawRanges);
  listeners.onModel(model, "change:where_text", drawTyped);
  // If there is nothing to filter by, the requested facets do not change.
  listeners.onModel(model, "change:busy", () => {
    if (asked && !model.get("busy") && model.get("error") === "" && model.get("facets").length === 0) drawFacets();
  });
  drawFacets();
  drawTyped();
  return { button, panel, box, apply, revert };
}
