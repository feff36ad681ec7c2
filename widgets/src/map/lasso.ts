import type { Listeners } from "../core/listeners";
import type { Coordinates, View } from "./scene";

export type How = "replace" | "add" | "remove";

interface Callbacks {
  view(): View;
  coordinates(): Coordinates;
  /** Whether the point of a row is shown. */
  shown(row: number): boolean;
  done(rows: Uint32Array, how: How): void;
}

const LEAST = 4; // pixels between two corners

/** Draws a line around points in lasso mode or while Alt is held. Shift adds to the selection; in lasso mode, Shift+Alt removes. */
export class Lasso {
  readonly #stage: HTMLElement;
  readonly #callbacks: Callbacks;
  readonly #svg: SVGSVGElement;
  readonly #line: SVGPolygonElement;
  #corners: number[] = [];
  #drawing = false;
  #mode = false;

  constructor(stage: HTMLElement, listeners: Listeners, callbacks: Callbacks) {
    this.#stage = stage;
    this.#callbacks = callbacks;
    this.#svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.#svg.setAttribute("class", "cl-lasso");
    this.#svg.setAttribute("aria-hidden", "true");
    this.#line = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    this.#svg.append(this.#line);
    stage.append(this.#svg);
    const options = { capture: true };
    listeners.onElement(stage, "pointerdown", (event) => this.#begin(event), options);
    listeners.onElement(stage, "pointermove", (event) => this.#extend(event), options);
    listeners.onElement(stage, "pointerup", (event) => this.#end(event), options);
    listeners.onElement(stage, "pointercancel", () => this.cancel(), options);
  }

  get mode(): boolean {
    return this.#mode;
  }

  set mode(on: boolean) {
    this.#mode = on;
    this.#stage.classList.toggle("cl-lassoing", on);
  }

  /** Whether a lasso is being drawn. */
  get drawing(): boolean {
    return this.#drawing;
  }

  cancel(): void {
    this.#drawing = false;
    this.#corners = [];
    this.#draw();
  }

  #begin(event: PointerEvent): void {
    if (event.button !== 0 || !(this.#mode || event.altKey)) return;
    this.#drawing = true;
    this.#corners = this.#at(event);
    this.#stage.setPointerCapture?.(event.pointerId);
    this.#stage.focus({ preventScroll: true });
    event.stopPropagation(); // otherwise the camera would move the map
  }

  #extend(event: PointerEvent): void {
    if (!this.#drawing) return;
    event.stopPropagation();
    const [x = 0, y = 0] = this.#at(event);
    const [lastX = 0, lastY = 0] = this.#corners.slice(-2);
    if (Math.hypot(x - lastX, y - lastY) < LEAST) return;
    this.#corners.push(x, y);
    this.#draw();
  }

  #end(event: PointerEvent): void {
    if (!this.#drawing) return;
    event.stopPropagation();
    const { scale, left, top } = this.#callbacks.view();
    const polygon = this.#corners.map((value, i) => (i % 2 === 0 ? (value - left) / scale : (top - value) / scale));
    this.cancel();
    if (polygon.length < 6) return;
    const rows = inside(polygon, this.#callbacks.coordinates(), (row) => this.#callbacks.shown(row));
    this.#callbacks.done(rows, event.shiftKey ? (event.altKey && this.#mode ? "remove" : "add") : "replace");
  }

  #at(event: PointerEvent): number[] {
    const box = this.#stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #draw(): void {
    this.#line.setAttribute("points", this.#corners.join(" "));
  }
}

/** Returns the rows of the points inside a polygon (x and y alternating), by the even-odd rule. */
export function inside(polygon: readonly number[], { x, y }: Coordinates, shown: (row: number) => boolean): Uint32Array {
  const corners = Float64Array.from(polygon);
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < corners.length; at += 2) {
    left = Math.min(left, corners[at]!);
    right = Math.max(right, corners[at]!);
    bottom = Math.min(bottom, corners[at + 1]!);
    top = Math.max(top, corners[at + 1]!);
  }
  const rows = new Uint32Array(x.length);
  let count = 0;
  for (let row = 0; row < x.length; row += 1) {
    const [px, py] = [x[row]!, y[row]!];
    if (px < left || px > right || py < bottom || py > top) continue;
    let within = false;
    for (let at = 0, before = corners.length - 2; at < corners.length; before = at, at += 2) {
      const [ay, by] = [corners[at + 1]!, corners[before + 1]!];
      if (ay > py !== by > py && px < ((corners[before]! - corners[at]!) * (py - ay)) / (by - ay) + corners[at]!) within = !within;
    }
    if (within && shown(row)) rows[count++] = row;
  }
  return rows.slice(0, count);
}
