import type { Listeners } from "../core/listeners";
import type { View } from "./scene";

const NEAREST = 1e-4; // half of the visible height, in map units
const FURTHEST = 8;

/** The visible part of the map: dragging moves it, the wheel and pinching zoom around the pointer. */
export class Camera {
  readonly #element: HTMLElement;
  readonly #moved: () => void;
  readonly #held = new Map<number, { x: number; y: number }>(); // pressed pointers, by id
  #x = 0;
  #y = 0;
  #half = 1;

  constructor(element: HTMLElement, listeners: Listeners, moved: () => void) {
    this.#element = element;
    this.#moved = moved;
    listeners.onElement(element, "pointerdown", (event) => this.#take(event));
    listeners.onElement(element, "pointermove", (event) => this.#drag(event));
    listeners.onElement(element, "pointerup", (event) => this.#held.delete(event.pointerId));
    listeners.onElement(element, "pointercancel", (event) => this.#held.delete(event.pointerId));
    listeners.onElement(element, "wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Whether the map is being dragged. */
  get dragging(): boolean {
    return this.#held.size > 0;
  }

  /** Half of the visible height, in map units. */
  get half(): number {
    return this.#half;
  }

  view(): View {
    const { clientWidth, clientHeight } = this.#element;
    const scale = clientHeight / 2 / this.#half;
    return { scale, left: clientWidth / 2 - this.#x * scale, top: clientHeight / 2 + this.#y * scale };
  }

  /** Centers the view on a point; `half` is half of the visible height, in map units. */
  lookAt(x: number, y: number, half: number): void {
    [this.#x, this.#y, this.#half] = [x, y, Math.max(NEAREST, Math.min(FURTHEST, half))];
    this.#moved();
  }

  /** Zooms in (above 1) or out (below 1), and moves by a number of quarters of the visible height. */
  steer(zoom: number, across: number, up: number): void {
    this.lookAt(this.#x + (across * this.#half) / 2, this.#y + (up * this.#half) / 2, this.#half / zoom);
  }

  /** Converts a position on the stage, in pixels, to map coordinates. */
  toMap({ x, y }: { x: number; y: number }): { x: number; y: number } {
    const { scale, left, top } = this.view();
    return { x: (x - left) / scale, y: (top - y) / scale };
  }

  /** Moves and zooms so that a point of the map is at a pixel of the stage. */
  #hold(point: { x: number; y: number }, pixel: { x: number; y: number }, half: number): void {
    const { clientWidth, clientHeight } = this.#element;
    const size = Math.max(NEAREST, Math.min(FURTHEST, half)) / (clientHeight / 2); // map units per pixel
    this.lookAt(point.x - (pixel.x - clientWidth / 2) * size, point.y + (pixel.y - clientHeight / 2) * size, half);
  }

  #take(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#element.setPointerCapture?.(event.pointerId);
    this.#held.set(event.pointerId, this.#at(event));
  }

  #drag(event: PointerEvent): void {
    if (!this.#held.has(event.pointerId)) return;
    const before = this.#grip();
    this.#held.set(event.pointerId, this.#at(event));
    const after = this.#grip();
    this.#hold(this.toMap(before), after, (this.#half * before.spread) / after.spread);
  }

  /** The center of the pressed pointers and the distance between them. */
  #grip(): { x: number; y: number; spread: number } {
    const [first = { x: 0, y: 0 }, second] = this.#held.values();
    if (second === undefined) return { ...first, spread: 1 };
    const spread = Math.max(1, Math.hypot(first.x - second.x, first.y - second.y));
    return { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2, spread };
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const pixel = this.#at(event);
    const factor = Math.exp(Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 400));
    this.#hold(this.toMap(pixel), pixel, this.#half * factor);
  }

  #at(event: MouseEvent): { x: number; y: number } {
    const box = this.#element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}
