import type { AnyModel } from "@anywidget/types";

/** Everything a view listens to, so that its clean-up is one call. */
export class Listeners {
  readonly #undo: (() => void)[] = [];

  onModel(model: Pick<AnyModel, "on" | "off">, event: string, handler: () => void): void {
    model.on(event, handler);
    this.#undo.push(() => model.off(event, handler));
  }

  onElement<Type extends keyof HTMLElementEventMap>(
    target: HTMLElement,
    type: Type,
    handler: (event: HTMLElementEventMap[Type]) => void,
  ): void {
    target.addEventListener(type, handler);
    this.#undo.push(() => target.removeEventListener(type, handler));
  }

  release(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
