import type { RenderProps } from "@anywidget/types";
import { element } from "../core/dom";
import { widget } from "../core/host";
import { onKeys } from "../core/keyboard";
import { Listeners } from "../core/listeners";
import { LiveRegion } from "../core/live";
import { echoChanges } from "../core/selection";
import { guessPanel } from "./guesses";
import { itemView } from "./item";
import type { Choice, Item, ReviewModel } from "./model";
import "./review.css";

export type { Choice, Item, ReviewModel } from "./model";

function render({ model, el }: Pick<RenderProps<ReviewModel>, "model" | "el">): () => void {
  const listeners = new Listeners();
  echoChanges(model, listeners);
  // Random rather than counted, because each widget on a page loads its own copy of this module.
  const id = `cl-review-${Math.random().toString(36).slice(2)}`;
  const title = element("div", { class: "cl-title", id }, `Review of ${model.get("kind")} in `, element("b", {}, model.get("collection_name")));
  const count = element("span", { class: "cl-count" });
  const filled = element("i");
  const progress = element("div", { class: "cl-progress", role: "progressbar", "aria-label": "Decided items", "aria-valuemin": "0" }, filled);
  const status = new LiveRegion();
  const item = element("div", { class: "cl-item" });
  const choices = element("div", { class: "cl-choices", role: "group", "aria-label": "Decision" });
  const box = element("div", { class: "cl-box", hidden: "" });
  const previous = element("button", { type: "button", "data-do": "previous", title: "Previous item (K)" }, "Previous");
  const next = element("button", { type: "button", "data-do": "next", title: "Next item (J)" }, "Next");
  const undo = element("button", { type: "button", "data-do": "undo", title: "Undo (U)" }, "Undo");
  const apply = element("button", { type: "button", "data-do": "apply", class: "cl-apply", hidden: "" });
  const follow = element("input", { type: "checkbox" });
  const following = element("label", { title: "Select the records shown here in the map and the table, and show the item of the records selected there" }, follow, "Follow the selection");
  const steps = element("div", { class: "cl-steps" }, previous, next, undo, following, element("span", { class: "cl-space" }), apply);
  const keys = element("p", { class: "cl-keys" }, "Keys: 1–9 choose, Enter accepts the suggestion, J next, K previous, U undo");
  const root = element("section", { class: "chromalab-widget cl-review", tabindex: "0", "aria-labelledby": id });

  let sent = false; // whether a request is pending: a key that is held down decides only once
  let open: Choice | undefined; // the choice that is waiting for a text or another item
  let painted = 0;
  const send = (verb: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    if (sent) return;
    sent = true;
    model.send({ verb, ...fields });
  };
  const guesses = guessPanel(model, listeners, send);
  root.append(element("header", {}, title, count), progress, status.element, item, choices, box, steps, guesses, keys);

  const close = (): void => {
    open = undefined;
    box.hidden = true;
    box.replaceChildren();
  };
  const decide = (choice: Choice, value: string | null = null): void => {
    const key = model.get("key");
    if (key === "") return;
    if (choice.needs !== "" && value === null) return ask(choice);
    const kept = item.querySelector<HTMLInputElement>("input[type=radio]:checked");
    send("decide", { item: key, choice: choice.name, value: value ?? kept?.value ?? null });
    close();
  };
  const ask = (choice: Choice): void => {
    const { text = "", targets = [] } = model.get("item");
    open = choice;
    const field =
      choice.needs === "item"
        ? element("select", { "aria-label": choice.label }, ...targets.map(([key, name]) => element("option", { value: key }, name)))
        : element("input", { type: "text", "aria-label": choice.label, dir: "auto" });
    if (choice.needs === "text") field.value = text;
    box.replaceChildren(field, element("button", { type: "button", "data-do": "give" }, choice.label));
    box.hidden = false;
    field.focus();
  };
  const give = (): void => {
    const field = box.querySelector<HTMLInputElement | HTMLSelectElement>("input, select");
    const value = field?.value.trim() ?? "";
    if (open === undefined || value === "") return;
    root.focus();
    decide(open, value);
  };
  const act = (what: string | undefined): void => {
    if (what === "give") give();
    else if (what === "undo" && model.get("undoes") !== "") send("undo");
    else if (what === "apply") send("apply");
    else if (what === "next" || what === "previous") send("go", { by: what === "next" ? 1 : -1 });
  };
  const at = (position: number): void => {
    const choice = model.get("choices")[position];
    if (choice) decide(choice);
  };

  listeners.onElement(root, "click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("button") : null;
    if (button?.dataset.choice !== undefined) at(Number(button.dataset.choice));
    else act(button?.dataset.do);
  });
  onKeys(root, listeners, {
    ...Object.fromEntries(Array.from({ length: 9 }, (_, position) => [String(position + 1), (event: KeyboardEvent) => (event.repeat ? undefined : at(position))])),
    j: () => act("next"),
    k: () => act("previous"),
    u: (event) => (event.repeat ? undefined : act("undo")),
    Enter: (event) => {
      const { target } = event;
      if (event.repeat) return;
      if (target instanceof HTMLElement && box.contains(target)) give();
      else if (target instanceof HTMLButtonElement) target.click();
      else at(model.get("choices").findIndex(({ name }) => name === model.get("item").suggested));
    },
    Escape: () => {
      if (box.hidden) return false;
      close();
      root.focus();
      return true;
    },
  });

  const drawStatus = (): void => {
    const error = model.get("error");
    root.classList.toggle("cl-busy", model.get("busy"));
    status.announce(error || model.get("status"), error !== "");
  };
  const drawChoices = (): void => {
    const { suggested } = model.get("item");
    const focused = [...choices.children].indexOf(document.activeElement as Element);
    choices.replaceChildren(
      ...model.get("choices").map((choice, position) => {
        const button = element("button", { type: "button", "data-choice": String(position), title: choice.hint }, choice.label);
        if (position < 9) button.prepend(element("kbd", { "aria-hidden": "true" }, String(position + 1)));
        if (position < 9) button.setAttribute("aria-keyshortcuts", String(position + 1));
        if (choice.name === suggested) button.classList.add("cl-suggested");
        return button;
      }),
    );
    choices.hidden = model.get("key") === "";
    if (focused >= 0) (choices.children[focused] as HTMLElement | undefined)?.focus();
  };
  const drawItem = (): void => {
    const key = model.get("key");
    const shown = model.get("item");
    close();
    item.replaceChildren(...(key === "" ? [element("p", { class: "cl-heading" }, `No ${model.get("kind")} left to review.`)] : itemView(shown as Item, `${id}-keep`)));
    if (model.get("decided") !== "") item.prepend(element("p", { class: "cl-decided", dir: "auto" }, `Decided: ${model.get("decided")}`));
    drawChoices();
    root.dataset.painted = String((painted += 1)); // for browser tests: counts the draws
  };
  const drawProgress = (): void => {
    const [done, total] = [model.get("done"), model.get("total")];
    const position = model.get("key") === "" ? "" : `${model.get("position")} of ${model.get("length")} · `;
    count.textContent = `${position}${done.toLocaleString("en")} of ${total.toLocaleString("en")} decided`;
    filled.style.width = `${total === 0 ? 100 : (100 * done) / total}%`;
    progress.setAttribute("aria-valuenow", String(done));
    progress.setAttribute("aria-valuemax", String(total));
    previous.disabled = model.get("position") <= 1;
    next.disabled = model.get("position") >= model.get("length");
    undo.disabled = model.get("undoes") === "";
    undo.textContent = undo.disabled ? "Undo" : `Undo: ${short(model.get("undoes"))}`;
    apply.hidden = model.get("plan") === "";
    apply.textContent = `Apply: ${model.get("plan")}`;
  };
  const drawFollow = (): void => {
    follow.checked = model.get("follows");
  };
  listeners.onElement(follow, "change", () => send("follow", { on: follow.checked }));
  listeners.onModel(model, "change:follows", drawFollow);
  listeners.onModel(model, "change:busy", () => {
    if (!model.get("busy")) {
      sent = false;
      drawFollow(); // a click during another request was not sent
    }
    drawStatus();
  });
  for (const trait of ["status", "error"]) listeners.onModel(model, `change:${trait}`, drawStatus);
  for (const trait of ["key", "item", "decided"]) listeners.onModel(model, `change:${trait}`, drawItem);
  listeners.onModel(model, "change:choices", drawChoices);
  for (const trait of ["key", "position", "length", "done", "total", "plan", "undoes"]) listeners.onModel(model, `change:${trait}`, drawProgress);

  drawStatus();
  drawItem();
  drawProgress();
  drawFollow();
  el.append(root);
  return () => {
    listeners.release();
    root.remove();
  };
}

function short(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 39).trimEnd()}…`;
}

export default widget(render);
