import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import { watchResolution } from "../core/resolution";
import { Camera } from "./camera";
import { Labels } from "./labels";
import { Lasso, type How } from "./lasso";
import { Overlay } from "./overlay";
import { RasterRenderer } from "./raster";
import { createRenderer, type MapRenderer } from "./renderer";
import { between, isShown, nearest, pointStyle, rgba, type Coordinates, type Scene } from "./scene";

const KEYS = "Arrow keys move the map, + and - zoom, 0 shows all, L starts the lasso, P returns to moving, D shows density, Escape clears.";
const AIR = 1.06; // the margin around the outermost points when the whole map is shown
const STILL = 4; // pixels that the pointer may move during a click
const REACH = 8; // pixels from the pointer within which a point is hit
const MOVE_MS = 1200;
const LEAST_STEP_MS = 150; // of the animation to the next step of a layout, which takes as long as that step

interface Callbacks {
  hover(row: number, x: number, y: number): void;
  click(row: number, add: boolean): void;
  lasso(rows: Uint32Array, how: How): void;
}

/** The area where the points are drawn, with everything over and under them, and its gestures. */
export class Stage {
  readonly element: HTMLElement;
  readonly overlay = new Overlay();
  readonly labels = new Labels();
  readonly lasso: Lasso;
  #renderer: MapRenderer;
  readonly #callbacks: Callbacks;
  readonly #canvas = element("canvas", { class: "cl-points", "aria-hidden": "true" });
  readonly #camera: Camera;
  readonly #observer: ResizeObserver;
  #scene: Scene = {
    coordinates: { x: new Float32Array(), y: new Float32Array() },
    codes: new Uint8Array(),
    palette: new Uint32Array(256),
    lit: new Uint32Array(),
    unlit: 0,
  };
  #motion: { from: Coordinates; to: Coordinates; start: number; length: number; even: boolean } | null = null;
  #arrived = 0; // when the last coordinates arrived
  #over = -1;
  #pressed: { x: number; y: number } | null = null;
  #dragged = false; // whether the pointer moved while it was pressed, even if it came back
  #frame = 0;
  #stale = false; // whether the points have to be redrawn, too
  #waiting: (() => void)[] = []; // called when the points are drawn and at rest
  #homeHalf = 1; // half of the visible height when the whole map is shown
  #sized = false;
  #home = true; // whether the whole map is shown

  constructor(listeners: Listeners, callbacks: Callbacks) {
    this.#callbacks = callbacks;
    this.element = element("div", { class: "cl-stage", tabindex: "0", role: "application", "aria-label": `Map. ${KEYS}` });
    this.element.append(this.overlay.under, this.#canvas, this.overlay.over, this.labels.element);
    this.#renderer = createRenderer(this.#canvas);
    this.#camera = new Camera(this.#canvas, listeners, () => {
      this.#home = false;
      this.#change();
    });
    this.lasso = new Lasso(this.element, listeners, {
      view: () => this.#camera.view(),
      coordinates: () => this.#scene.coordinates,
      shown: (row) => isShown(this.#scene, row),
      done: (rows, how) => callbacks.lasso(rows, how),
    });
    const capture = { capture: true };
    listeners.onElement(this.element, "pointerdown", (event) => ([this.#pressed, this.#dragged] = [this.#at(event), false]), capture);
    listeners.onElement(this.element, "pointermove", (event) => (this.#dragged ||= this.#left(this.#at(event))), capture);
    listeners.onElement(this.element, "pointermove", (event) => this.#hover(event));
    listeners.onElement(this.element, "pointerleave", () => this.#point(-1, 0, 0));
    listeners.onElement(this.element, "click", (event) => this.#click(event));
    listeners.onElement(this.element, "wheel", (event) => event.stopPropagation()); // otherwise the notebook would scroll, too
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(this.element);
    listeners.add(() => this.#observer.disconnect());
    listeners.add(() => cancelAnimationFrame(this.#frame));
    listeners.add(() => this.#renderer.destroy());
    watchResolution(listeners, () => this.#change());
  }

  /** The kind of renderer, for browser tests. */
  get renderer(): string {
    return this.#renderer.kind;
  }

  /**
   * Draws points at new coordinates, or animates the existing points to them; overlays are hidden during the animation.
   * Steps of a layout follow each other, so the points move to each at an even speed until the next is expected.
   */
  draw(coordinates: Coordinates, codes: Uint8Array, how: "at once" | "animated" | "step"): Promise<void> {
    this.#over = -1; // a different record may be under the pointer now
    const animate = how !== "at once";
    const start = performance.now();
    const even = how === "step";
    const length = even ? Math.min(MOVE_MS, Math.max(LEAST_STEP_MS, start - this.#arrived)) : MOVE_MS;
    this.#arrived = start;
    this.#motion = animate ? { from: this.#scene.coordinates, to: coordinates, start, length, even } : null;
    this.element.classList.toggle("cl-moving", animate);
    this.#change({ codes, ...(animate ? {} : { coordinates }) });
    return this.#drawn();
  }

  /** Changes the color codes of the points. */
  recode(codes: Uint8Array): Promise<void> {
    this.#change({ codes });
    return this.#drawn();
  }

  /** Sets the color of each code, the hidden codes, and the color of points that are not highlighted while others are. */
  paint(colors: readonly string[], hidden: ReadonlySet<number>, unlit: string): void {
    const palette = new Uint32Array(256).fill(rgba(colors[0] ?? ""));
    palette.set(colors.slice(0, 256).map(rgba));
    for (const code of hidden) palette[code] = 0;
    this.#change({ palette, unlit: rgba(unlit) });
  }

  /** Highlights some points and mutes the others; an empty list ends that. */
  light(rows: Uint32Array): void {
    if (rows.length > 0 || this.#scene.lit.length > 0) this.#change({ lit: rows });
  }

  /** Whether the whole map is shown. */
  get isHome(): boolean {
    return this.#home;
  }

  /** Shows the whole map. */
  home(): void {
    const { x, y } = this.#motion?.to ?? this.#scene.coordinates;
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
    this.#camera.lookAt((left + right) / 2, (bottom + top) / 2, half);
    this.#home = true;
  }

  /** Zooms in (above 1) or out (below 1), and moves by a number of quarters of the visible height. */
  steer(zoom: number, across = 0, up = 0): void {
    this.#camera.steer(zoom, across, up);
  }

  /** Scrolls a point into view if it is outside. */
  reveal(row: number): void {
    const { scale, left, top } = this.#camera.view();
    const { clientWidth, clientHeight } = this.element;
    const [x, y] = [this.#scene.coordinates.x[row] ?? 0, this.#scene.coordinates.y[row] ?? 0];
    const [across, down] = [x * scale + left, top - y * scale];
    if (across < 0 || down < 0 || across > clientWidth || down > clientHeight) this.#camera.lookAt(x, y, this.#camera.half);
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return; // removed from the page, or not yet on it
    if (this.#home) this.home(); // otherwise the view stays where the user moved it
    this.#sized = true;
    this.#change();
  }

  /** Redraws the overlays in the next frame. */
  soon(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  /** Changes the scene and redraws it in the next frame. */
  #change(changes: Partial<Scene> = {}): void {
    this.#scene = { ...this.#scene, ...changes };
    this.#stale = true;
    this.soon();
  }

  #drawn(): Promise<void> {
    return new Promise((done) => this.#waiting.push(done));
  }

  #draw(now: number): void {
    this.#frame = 0;
    if (!this.#sized || this.element.clientHeight === 0) {
      // Not on the page; `resize` draws once it is. Observe again, because it may come back with the same size.
      this.#observer.unobserve(this.element);
      this.#observer.observe(this.element);
      return;
    }
    if (this.#motion !== null) this.#move(now);
    const view = this.#camera.view();
    const zoom = this.#homeHalf / this.#camera.half;
    if (this.#stale) {
      this.#stale = false;
      this.#fit();
      const { size, opacity } = pointStyle(this.#scene.codes.length);
      const draw = (): boolean => this.#renderer.draw(this.#scene, view, size * grown(zoom), opacity);
      if (!draw()) {
        this.#renderer.destroy(); // its context was lost, and there is no other
        this.#renderer = new RasterRenderer(this.#canvas);
        draw();
      }
    }
    if (this.#motion !== null) return;
    this.overlay.draw(this.#scene, view);
    this.labels.draw(view, zoom);
    this.#waiting.splice(0).forEach((done) => done());
  }

  /** Advances the animation by one step; the last step ends it. */
  #move(now: number): void {
    const { from, to, start, length, even } = this.#motion!;
    const share = Math.min(1, Math.max(0, (now - start) / length));
    if (share === 1) {
      this.#motion = null;
      this.element.classList.remove("cl-moving");
    }
    this.#change({ coordinates: share === 1 ? to : between(from, to, even ? share : share * share * (3 - 2 * share)) });
  }

  /** Fits the canvases to the device pixels; changing their size clears them. */
  #fit(): void {
    const [width, height] = [this.element.clientWidth, this.element.clientHeight].map((size) => Math.round(size * devicePixelRatio));
    for (const canvas of [this.#canvas, this.overlay.under, this.overlay.over]) {
      if (canvas.width !== width) canvas.width = width!;
      if (canvas.height !== height) canvas.height = height!;
    }
  }

  #hover(event: PointerEvent): void {
    if (this.#camera.dragging || this.lasso.drawing) return this.#point(-1, 0, 0);
    const at = this.#at(event);
    this.#point(event.pointerType === "touch" ? -1 : this.#nearest(at), at.x, at.y);
  }

  #point(row: number, x: number, y: number): void {
    if (row === this.#over) return;
    this.#over = row;
    this.#callbacks.hover(row, x, y);
  }

  #click(event: MouseEvent): void {
    event.stopPropagation();
    const at = this.#at(event);
    if (this.#dragged || this.#left(at) || event.altKey) return;
    this.#callbacks.click(this.#nearest(at), event.shiftKey);
  }

  #left({ x, y }: { x: number; y: number }): boolean {
    return this.#pressed !== null && Math.hypot(x - this.#pressed.x, y - this.#pressed.y) > STILL;
  }

  #nearest(at: { x: number; y: number }): number {
    const { x, y } = this.#camera.toMap(at);
    return nearest(this.#scene, x, y, REACH / this.#camera.view().scale);
  }

  #at(event: MouseEvent): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}

/** Returns how much larger points become at a zoom, which is less than the distances between them grow. */
function grown(zoom: number): number {
  return Math.asinh(Math.max(1, zoom)) / Math.asinh(1);
}
