import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import { Labels } from "./labels";
import { Lasso, type How } from "./lasso";
import { Overlay } from "./overlay";
import { createRenderer, type MapRenderer, type Places, type View } from "./renderer";

const KEYS = "Arrow keys move, + and - zoom, 0 shows all, L draws a lasso, P moves again, D shows density, Escape lets go.";
const AIR = 1.06; // what a view of all leaves around the outermost points
const STILL = 4; // dots that a click may move

interface Told {
  hover(row: number, x: number, y: number): void;
  click(row: number, add: boolean): void;
  lasso(rows: Uint32Array, how: How): void;
}

/** Where the points are drawn, with all that lies over and under them, and the gestures on it. */
export class Stage {
  readonly element: HTMLElement;
  readonly overlay = new Overlay();
  readonly labels = new Labels();
  readonly lasso: Lasso;
  readonly renderer: MapRenderer;
  shown: Set<number> | null = null;
  readonly #told: Told;
  #places: Places = { x: new Float32Array(), y: new Float32Array() };
  #over = -1;
  #pointer = { x: 0, y: 0 };
  #pressed: { x: number; y: number } | null = null;
  #frame = 0;
  #homeHalf = 1; // of the map's height, when all of it is seen
  #sized = false;

  constructor(listeners: Listeners, told: Told) {
    this.#told = told;
    const canvas = element("canvas", { class: "cl-points", "aria-hidden": "true" });
    this.element = element("div", { class: "cl-stage", tabindex: "0", role: "application", "aria-label": `Map. ${KEYS}` });
    this.element.append(this.overlay.under, canvas, this.overlay.over, this.labels.element);
    this.renderer = createRenderer(canvas, {
      view: () => this.soon(),
      hover: (row) => {
        this.#over = row;
        this.#told.hover(this.#pressed === null && !this.lasso.drawing ? row : -1, this.#pointer.x, this.#pointer.y);
      },
    });
    this.lasso = new Lasso(this.element, listeners, {
      view: () => this.view(),
      places: () => this.#places,
      shown: (row) => this.shown?.has(row) ?? true,
      done: (rows, how) => told.lasso(rows, how),
    });
    const capture = { capture: true };
    listeners.onElement(this.element, "mousemove", (event) => (this.#pointer = this.#at(event)), capture);
    listeners.onElement(this.element, "mousedown", (event) => (this.#pressed = this.#at(event)), capture);
    listeners.onTarget(window, "mouseup", () => queueMicrotask(() => (this.#pressed = null)));
    listeners.onElement(this.element, "click", (event) => this.#click(event), capture);
    listeners.onElement(this.element, "mouseleave", () => told.hover(-1, 0, 0));
    listeners.onElement(this.element, "wheel", (event) => event.stopPropagation()); // or the notebook scrolls, too
    const observer = new ResizeObserver(() => this.resize());
    observer.observe(this.element);
    listeners.add(() => observer.disconnect());
    listeners.add(() => cancelAnimationFrame(this.#frame));
    listeners.add(() => this.renderer.destroy());
  }

  view(): View {
    return this.renderer.view();
  }

  /** Draws points; hides what lies over them while they move. */
  async draw(places: Places, codes: Uint8Array, animate: boolean): Promise<void> {
    this.#places = places;
    this.element.classList.toggle("cl-moving", animate);
    await this.renderer.draw(places, codes, animate);
    this.element.classList.remove("cl-moving");
    if (this.element.isConnected) this.soon(); // else taken away while it was drawn
  }

  /** Shows all of the map. */
  home(): void {
    const { x, y } = this.#places;
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let row = 0; row < x.length; row += 1) {
      left = Math.min(left, x[row]!);
      right = Math.max(right, x[row]!);
      bottom = Math.min(bottom, y[row]!);
      top = Math.max(top, y[row]!);
    }
    if (left > right) return;
    const { clientWidth, clientHeight } = this.element;
    const aspect = clientWidth / clientHeight || 1;
    const half = Math.max((top - bottom) / 2, (right - left) / 2 / aspect, 0.05) * AIR;
    this.#homeHalf = half;
    this.renderer.lookAt((left + right) / 2, (bottom + top) / 2, half);
  }

  /** Looks nearer (above 1) or from further away, and so many quarters of the height to a side. */
  steer(zoom: number, across = 0, up = 0): void {
    const { scale, left, top } = this.view();
    const { clientWidth, clientHeight } = this.element;
    const half = clientHeight / 2 / scale;
    this.renderer.lookAt((clientWidth / 2 - left) / scale + (across * half) / 2, (top - clientHeight / 2) / scale + (up * half) / 2, half / zoom);
  }

  /** Brings a point into view, if it is out of it. */
  reveal(row: number): void {
    const { scale, left, top } = this.view();
    const { clientWidth, clientHeight } = this.element;
    const [x, y] = [this.#places.x[row] ?? 0, this.#places.y[row] ?? 0];
    const [across, down] = [x * scale + left, top - y * scale];
    if (across < 0 || down < 0 || across > clientWidth || down > clientHeight) this.renderer.lookAt(x, y, clientHeight / 2 / scale);
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return; // taken off the page, or not yet on it
    this.renderer.resize(clientWidth, clientHeight);
    this.overlay.resize(clientWidth, clientHeight);
    if (!this.#sized) this.home(); // drawn before it had a size
    this.#sized = true;
    this.soon();
  }

  /** Draws what lies over and under the points, with the next frame. */
  soon(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      const view = this.view();
      this.overlay.draw(this.#places, view);
      this.labels.draw(view, this.#homeHalf / (this.element.clientHeight / 2 / view.scale));
    });
  }

  #click(event: MouseEvent): void {
    event.stopPropagation();
    const at = this.#at(event);
    const from = this.#pressed ?? at;
    if (Math.hypot(at.x - from.x, at.y - from.y) <= STILL && !event.altKey) this.#told.click(this.#over, event.shiftKey);
  }

  #at(event: MouseEvent): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}
