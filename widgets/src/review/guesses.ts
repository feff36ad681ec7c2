import type { AnyModel } from "@anywidget/types";
import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import type { ReviewModel } from "./model";

const LEVELS = ["0.99", "0.95", "0.9", "0.8", "0.7"];

/** The controls that preview confident guesses and accept all of them at once. */
export function guessPanel(model: AnyModel<ReviewModel>, listeners: Listeners, send: (verb: string, fields: Readonly<Record<string, unknown>>) => void): HTMLElement {
  const level = element("select", { "aria-label": "Minimum confidence" }, ...LEVELS.map((value) => element("option", { value }, `${Math.round(100 * Number(value))}%`)));
  level.value = "0.95";
  const look = element("button", { type: "button" }, "Preview guesses");
  const found = element("div", { class: "cl-found", role: "status", "aria-live": "polite" });
  const accept = element("button", { type: "button", hidden: "" });
  const panel = element("div", { class: "cl-guesses" }, element("div", { class: "cl-steps" }, look, "with a confidence of at least", level, accept), found);

  const draw = (): void => {
    panel.hidden = !model.get("has_guesses");
    const { count, examples = [] } = model.get("confident");
    accept.hidden = !count;
    accept.textContent = `Accept ${(count ?? 0).toLocaleString("en")}`;
    found.replaceChildren();
    if (count === undefined) return;
    const more = count > examples.length ? `, ${examples.length} shown` : "";
    found.append(element("p", {}, `${count.toLocaleString("en")} ${count === 1 ? "guess" : "guesses"} with this confidence${more}`));
    if (examples.length > 0) {
      found.append(element("ul", {}, ...examples.map(([text, label]) => element("li", { dir: "auto" }, element("b", {}, label), ` ${text}`))));
    }
  };
  listeners.onElement(look, "click", () => send("guesses", { least: Number(level.value) }));
  listeners.onElement(accept, "click", () => send("accept", { least: model.get("confident").least ?? 1 }));
  listeners.onModel(model, "change:confident", draw);
  draw();
  return panel;
}
