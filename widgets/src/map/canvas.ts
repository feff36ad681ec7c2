import { Listeners } from "../core/listeners";
import { pointStyle, type MapRenderer, type Places, type Told, type View } from "./renderer";

const REACH = 8; // dots from the pointer within which a point is meant

/** Points on a plain canvas, for browsers without WebGL: slower, and otherwise the same. */
export class CanvasRenderer implements MapRenderer {
  readonly kind = "canvas";
  readonly #canvas: HTMLCanvasElement;
  readonly #told: Told;
  readonly #listeners = new Listeners();
  #places: Places = { x: new Float32Array(), y: new Float32Array() };
  #codes: Uint8Array = new Uint8Array();
  #palette: readonly string[] = ["#888888"];
  #unlit = "#888888";
  #lit = new Set<number>();
  #shown: number[] | null = null;
  #camera = { x: 0, y: 0, half: 1 };
  #drag: { x: number; y: number } | null = null;
  #over = -1;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement, told: Told) {
    this.#canvas = canvas;
    this.#told = told;
    this.#listeners.onElement(canvas, "mousedown", (event) => (this.#drag = { x: event.clientX, y: event.clientY }));
    this.#listeners.onTarget(window, "mousemove", (event) => this.#move(event as MouseEvent));
    this.#listeners.onTarget(window, "mouseup", () => (this.#drag = null));
    this.#listeners.onElement(canvas, "wheel", (event) => this.#wheel(event), { passive: false });
    this.#listeners.add(() => cancelAnimationFrame(this.#frame));
  }

  draw(places: Places, codes: Uint8Array): Promise<void> {
    this.#places = places;
    return this.recode(codes);
  }

  recode(codes: Uint8Array): Promise<void> {
    this.#codes = codes;
    this.#shown = null;
    this.#paint();
    return Promise.resolve();
  }

  paint(palette: readonly string[], unlit: string): void {
    this.#palette = palette;
    this.#unlit = unlit;
    this.#soon();
  }

  light(rows: ArrayLike<number>): void {
    this.#lit = new Set(Array.from(rows));
    this.#soon();
  }

  show(rows: number[] | null): void {
    this.#shown = rows;
    this.#soon();
  }

  view(): View {
    const { clientWidth, clientHeight } = this.#canvas;
    const { x, y, half } = this.#camera;
    const scale = clientHeight / 2 / half;
    return { scale, left: clientWidth / 2 - x * scale, top: clientHeight / 2 + y * scale };
  }

  lookAt(x: number, y: number, half: number): void {
    this.#camera = { x, y, half };
    this.#soon();
    this.#told.view();
  }

  resize(width: number, height: number): void {
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    this.#soon();
    this.#told.view();
  }

  destroy(): void {
    this.#listeners.release();
  }

  #soon(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    const { scale, left, top } = this.view();
    const { x, y } = this.#places;
    const { size, opacity } = pointStyle(this.#codes.length);
    const dots = size * devicePixelRatio;
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.globalAlpha = opacity;
    const put = (row: number, color: string, width: number): void => {
      context.fillStyle = color;
      const across = ((x[row] ?? 0) * scale + left) * devicePixelRatio;
      const down = (top - (y[row] ?? 0) * scale) * devicePixelRatio;
      context.fillRect(across - width / 2, down - width / 2, width, width);
    };
    const all = this.#lit.size === 0;
    const color = (row: number): string => this.#palette[this.#codes[row] ?? 0] ?? this.#unlit;
    for (const row of this.#rows()) put(row, all ? color(row) : this.#unlit, dots);
    context.globalAlpha = 1;
    const shown = this.#shown === null ? null : new Set(this.#shown);
    for (const row of this.#lit) if (shown?.has(row) ?? true) put(row, color(row), dots * 1.4);
  }

  #rows(): Iterable<number> {
    return this.#shown ?? this.#codes.keys();
  }

  #move(event: MouseEvent): void {
    const scale = this.view().scale;
    if (this.#drag !== null) {
      const { x, y, half } = this.#camera;
      const [across, down] = [event.clientX - this.#drag.x, event.clientY - this.#drag.y];
      this.#drag = { x: event.clientX, y: event.clientY };
      this.lookAt(x - across / scale, y + down / scale, half);
    } else if (event.target === this.#canvas || this.#over >= 0) {
      const row = event.target === this.#canvas ? this.#nearest(event) : -1;
      if (row !== this.#over) this.#told.hover((this.#over = row));
    }
  }

  #nearest(event: MouseEvent): number {
    const box = this.#canvas.getBoundingClientRect();
    const { scale, left, top } = this.view();
    const [x, y] = [(event.clientX - box.left - left) / scale, (top - (event.clientY - box.top)) / scale];
    let [found, nearest] = [-1, (REACH / scale) ** 2];
    for (const row of this.#rows()) {
      const far = ((this.#places.x[row] ?? 0) - x) ** 2 + ((this.#places.y[row] ?? 0) - y) ** 2;
      if (far < nearest) [found, nearest] = [row, far];
    }
    return found;
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const box = this.#canvas.getBoundingClientRect();
    const { scale, left, top } = this.view();
    const [x, y] = [(event.clientX - box.left - left) / scale, (top - (event.clientY - box.top)) / scale];
    const factor = Math.exp(Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 400));
    const camera = this.#camera;
    this.lookAt(x + (camera.x - x) * factor, y + (camera.y - y) * factor, camera.half * factor);
  }
}
