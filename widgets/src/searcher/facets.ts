import type { AnyModel } from "@anywidget/types";
import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import { own } from "../core/own";
import type { SearcherModel } from "./model";

type Tell = (verb: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The filter: keys of the metadata, and their most frequent values to tick. Asked for when it is opened first. */
export function facetPanel(model: AnyModel<SearcherModel>, listeners: Listeners, tell: Tell): { button: HTMLButtonElement; panel: HTMLElement } {
  const panel = element("div", { class: "cl-facets", role: "group", "aria-label": "Filter by metadata", hidden: "" });
  const button = element("button", { type: "button", class: "cl-quiet", "aria-expanded": "false" }, "Filter");
  let boxes: { key: string; place: number; box: HTMLInputElement }[] = [];
  let asked = false;

  const drawChosen = (): void => {
    const chosen = model.get("chosen");
    for (const { key, place, box } of boxes) box.checked = own(chosen, key)?.includes(place) ?? false;
    const count = Object.values(chosen).reduce((total, places) => total + places.length, 0);
    button.textContent = count === 0 ? "Filter" : `Filter (${count})`;
  };
  const drawFacets = (): void => {
    boxes = [];
    const groups = model.get("facets").map(({ key, values, more }) => {
      const group = element("fieldset", {}, element("legend", {}, key));
      values.forEach(([value, count], place) => {
        const box = element("input", { type: "checkbox" });
        boxes.push({ key, place, box });
        group.append(element("label", {}, box, element("span", {}, value), element("small", {}, count.toLocaleString("en"))));
      });
      if (more > 0) group.append(element("small", { class: "cl-more" }, `${more.toLocaleString("en")} rarer values not shown`));
      return group;
    });
    panel.replaceChildren(...(groups.length > 0 ? groups : [element("p", { class: "cl-absent" }, asked ? "No metadata to filter by." : "")]));
    drawChosen();
  };

  listeners.onElement(button, "click", () => {
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
    if (panel.hidden || asked) return;
    asked = true;
    if (model.get("facets").length === 0) tell("facets");
  });
  listeners.onElement(panel, "change", (event) => {
    const found = boxes.find(({ box }) => box === event.target);
    if (found) tell("filter", { key: found.key, place: found.place, on: found.box.checked });
  });
  listeners.onModel(model, "change:facets", drawFacets);
  listeners.onModel(model, "change:chosen", drawChosen);
  // Where there is nothing to filter by, the facets that were asked for do not change.
  listeners.onModel(model, "change:busy", () => {
    if (asked && !model.get("busy") && model.get("error") === "" && model.get("facets").length === 0) drawFacets();
  });
  drawFacets();
  return { button, panel };
}
