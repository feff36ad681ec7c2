import type { AnyModel } from "@anywidget/types";
import type { Listeners } from "./listeners";

/** The traits of a widget that shows and changes the selection of its collection. */
export interface SelectingModel {
  selection_changes: number;
  selection_seen: number;
}

/**
 * Returns each change of the selection to the kernel. marimo runs the cells that depend on a widget again when the browser
 * sets one of its traits; elsewhere this does nothing.
 */
export function echoChanges<Model extends SelectingModel>(model: AnyModel<Model>, listeners: Listeners): void {
  listeners.onModel(model, "change:selection_changes", () => {
    const changes = model.get("selection_changes");
    if (model.get("selection_seen") === changes) return; // another view has done so
    model.set("selection_seen", changes);
    model.save_changes();
  });
}
