import type { AnyModel } from "@anywidget/types";

/** All listeners of a view, so that one call removes them. */
export class Listeners {
  readonly #undo: (() => void)[] = [];

  onModel(model: Pick<AnyModel, "on" | "off">, event: string, handler: (...given: any[]) => void): void {
    model.on(event, handler);
    this.add(() => model.off(event, handler));
  }

  onElement<Type extends keyof HTMLElementEventMap>(
    target: HTMLElement,
    type: Type,
    handler: (event: HTMLElementEventMap[Type]) => void,
    options?: AddEventListenerOptions,
  ): void {
    target.addEventListener(type, handler, options);
    this.add(() => target.removeEventListener(type, handler, options));
  }

  /** The same for a window, a document or a media query. */
  onTarget(target: EventTarget, type: string, handler: (event: Event) => void): void {
    target.addEventListener(type, handler);
    this.add(() => target.removeEventListener(type, handler));
  }

  /** Adds another cleanup step, such as disconnecting an observer or stopping a timer. */
  add(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Removes all listeners, the last one first. */
  release(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}
