import type { AnyModel } from "@anywidget/types";

interface ChildView {
  el: HTMLElement;
  remove(): void;
  // Lumino widgets must be notified when they are attached to the page; views in JupyterLab have one.
  luminoWidget?: unknown;
  pWidget?: unknown;
}

interface Manager {
  get_model(id: string): Promise<unknown>;
  create_view?(model: unknown): Promise<ChildView>;
}

/** Shows another widget inside an element. `reference` is how ipywidgets serializes a widget in a trait. */
export async function showChild(model: Pick<AnyModel, "widget_manager">, reference: string, into: HTMLElement): Promise<() => void> {
  const manager = model.widget_manager as unknown as Manager;
  if (manager?.create_view === undefined) throw new Error("This host cannot show other widgets.");
  const child = await manager.get_model(reference.replace(/^IPY_MODEL_/, ""));
  const view = await manager.create_view(child);
  into.replaceChildren(view.el);
  return () => {
    view.remove();
    view.el.remove();
  };
}
