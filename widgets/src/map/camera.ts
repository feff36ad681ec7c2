import type { Listeners } from "../core/listeners";
import type { View } from "./scene";

const NEAREST = 1e-4; // of the map above the middle
const FURTHEST = 8;

/** Where one looks: a drag moves, the wheel and two fingers zoom about the place they are at. */
export class Camera {
  readonly #element: HTMLElement;
  readonly #moved: () => void;
  readonly #held = new Map<number, { x: number; y: number }>(); // by pointer
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

  /** Whether the map is being moved by hand. */
  get dragging(): boolean {
    return this.#held.size > 0;
  }

  /** How much of the map is seen above the middle, and below it. */
  get half(): number {
    return this.#half;
  }

  view(): View {
    const { clientWidth, clientHeight } = this.#element;
    const scale = clientHeight / 2 / this.#half;
    return { scale, left: clientWidth / 2 - this.#x * scale, top: clientHeight / 2 + this.#y * scale };
  }

  /** Puts a place in the middle, with so much of the map above it. */
  lookAt(x: number, y: number, half: number): void {
    [this.#x, this.#y, this.#half] = [x, y, Math.max(NEAREST, Math.min(FURTHEST, half))];
    this.#moved();
  }

  /** Looks nearer (above 1) or from further away, and so many quarters of the height to a side. */
  steer(zoom: number, across: number, up: number): void {
    this.lookAt(this.#x + (across * this.#half) / 2, this.#y + (up * this.#half) / 2, this.#half / zoom);
  }

  /** The place on the map that is at a dot of the stage. */
  placeAt({ x, y }: { x: number; y: number }): { x: number; y: number } {
    const { scale, left, top } = this.view();
    return { x: (x - left) / scale, y: (top - y) / scale };
  }

  /** Zooms so that a place comes to lie at a dot. */
  #hold(place: { x: number; y: number }, dot: { x: number; y: number }, half: number): void {
    const { clientWidth, clientHeight } = this.#element;
    const size = Math.max(NEAREST, Math.min(FURTHEST, half)) / (clientHeight / 2); // of a dot
    this.lookAt(place.x - (dot.x - clientWidth / 2) * size, place.y + (dot.y - clientHeight / 2) * size, half);
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
    this.#hold(this.placeAt(before), after, (this.#half * before.spread) / after.spread);
  }

  /** The middle of what holds the map, and how far it is spread. */
  #grip(): { x: number; y: number; spread: number } {
    const [first = { x: 0, y: 0 }, second] = this.#held.values();
    if (second === undefined) return { ...first, spread: 1 };
    const spread = Math.max(1, Math.hypot(first.x - second.x, first.y - second.y));
    return { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2, spread };
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const dot = this.#at(event);
    const factor = Math.exp(Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 400));
    this.#hold(this.placeAt(dot), dot, this.#half * factor);
  }

  #at(event: MouseEvent): { x: number; y: number } {
    const box = this.#element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}
