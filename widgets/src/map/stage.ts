import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import { watchResolution } from "../core/resolution";
import { Camera } from "./camera";
import { Labels } from "./labels";
import { Lasso, type How } from "./lasso";
import { Overlay } from "./overlay";
import { RasterRenderer } from "./raster";
import { createRenderer, type MapRenderer } from "./renderer";
import { between, isShown, nearest, pointStyle, rgba, type Places, type Scene } from "./scene";

const KEYS = "Arrow keys move, + and - zoom, 0 shows all, L draws a lasso, P moves again, D shows density, Escape lets go.";
const AIR = 1.06; // what a view of all leaves around the outermost points
const STILL = 4; // dots that a click may move
const REACH = 8; // dots from the pointer within which a point is meant
const MOVE_MS = 1200;

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
  #renderer: MapRenderer;
  readonly #told: Told;
  readonly #canvas = element("canvas", { class: "cl-points", "aria-hidden": "true" });
  readonly #camera: Camera;
  readonly #observer: ResizeObserver;
  #scene: Scene = {
    places: { x: new Float32Array(), y: new Float32Array() },
    codes: new Uint8Array(),
    palette: new Uint32Array(256),
    lit: new Uint32Array(),
    unlit: 0,
  };
  #motion: { from: Places; to: Places; start: number } | null = null;
  #over = -1;
  #pressed: { x: number; y: number } | null = null;
  #dragged = false; // whether the pointer left the place where it was pressed, even if it came back
  #frame = 0;
  #stale = false; // whether the points must be drawn, too
  #waiting: (() => void)[] = []; // for the points to be drawn, at rest
  #homeHalf = 1; // of the map's height, when all of it is seen
  #sized = false;
  #home = true; // whether all of the map is looked at, as it was placed

  constructor(listeners: Listeners, told: Told) {
    this.#told = told;
    this.element = element("div", { class: "cl-stage", tabindex: "0", role: "application", "aria-label": `Map. ${KEYS}` });
    this.element.append(this.overlay.under, this.#canvas, this.overlay.over, this.labels.element);
    this.#renderer = createRenderer(this.#canvas);
    this.#camera = new Camera(this.#canvas, listeners, () => {
      this.#home = false;
      this.#change();
    });
    this.lasso = new Lasso(this.element, listeners, {
      view: () => this.#camera.view(),
      places: () => this.#scene.places,
      shown: (row) => isShown(this.#scene, row),
      done: (rows, how) => told.lasso(rows, how),
    });
    const capture = { capture: true };
    listeners.onElement(this.element, "pointerdown", (event) => ([this.#pressed, this.#dragged] = [this.#at(event), false]), capture);
    listeners.onElement(this.element, "pointermove", (event) => (this.#dragged ||= this.#left(this.#at(event))), capture);
    listeners.onElement(this.element, "pointermove", (event) => this.#hover(event));
    listeners.onElement(this.element, "pointerleave", () => this.#point(-1, 0, 0));
    listeners.onElement(this.element, "click", (event) => this.#click(event));
    listeners.onElement(this.element, "wheel", (event) => event.stopPropagation()); // or the notebook scrolls, too
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(this.element);
    listeners.add(() => this.#observer.disconnect());
    listeners.add(() => cancelAnimationFrame(this.#frame));
    listeners.add(() => this.#renderer.destroy());
    watchResolution(listeners, () => this.#change());
  }

  /** What draws the points, for browser tests. */
  get renderer(): string {
    return this.#renderer.kind;
  }

  /** Draws points at new places, or moves those that are there to them; what lies over them is hidden while they move. */
  draw(places: Places, codes: Uint8Array, animate: boolean): Promise<void> {
    this.#over = -1; // another record may be under the pointer
    this.#motion = animate ? { from: this.#scene.places, to: places, start: performance.now() } : null;
    this.element.classList.toggle("cl-moving", animate);
    this.#change({ codes, ...(animate ? {} : { places }) });
    return this.#drawn();
  }

  /** Colours the points that are there by other codes. */
  recode(codes: Uint8Array): Promise<void> {
    this.#change({ codes });
    return this.#drawn();
  }

  /** Sets the colour of each code, which codes are hidden, and the colour of points that are not lit while others are. */
  paint(colors: readonly string[], hidden: ReadonlySet<number>, unlit: string): void {
    const palette = new Uint32Array(256).fill(rgba(colors[0] ?? ""));
    palette.set(colors.slice(0, 256).map(rgba));
    for (const code of hidden) palette[code] = 0;
    this.#change({ palette, unlit: rgba(unlit) });
  }

  /** Lights some points up, so that the others stand back; none for all alike. */
  light(rows: Uint32Array): void {
    if (rows.length > 0 || this.#scene.lit.length > 0) this.#change({ lit: rows });
  }

  /** Shows all of the map. */
  home(): void {
    const { x, y } = this.#motion?.to ?? this.#scene.places;
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

  /** Looks nearer (above 1) or from further away, and so many quarters of the height to a side. */
  steer(zoom: number, across = 0, up = 0): void {
    this.#camera.steer(zoom, across, up);
  }

  /** Brings a point into view, if it is out of it. */
  reveal(row: number): void {
    const { scale, left, top } = this.#camera.view();
    const { clientWidth, clientHeight } = this.element;
    const [x, y] = [this.#scene.places.x[row] ?? 0, this.#scene.places.y[row] ?? 0];
    const [across, down] = [x * scale + left, top - y * scale];
    if (across < 0 || down < 0 || across > clientWidth || down > clientHeight) this.#camera.lookAt(x, y, this.#camera.half);
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return; // taken off the page, or not yet on it
    if (this.#home) this.home(); // else the reader looks at something
    this.#sized = true;
    this.#change();
  }

  /** Draws what lies over and under the points, with the next frame. */
  soon(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  /** Changes the scene, and draws it with the next frame. */
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
      // Not on the page: `resize` draws once it is. Begun anew, since it may be back with the size of before.
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
        this.#renderer.destroy(); // it lost its context, and there is no other
        this.#renderer = new RasterRenderer(this.#canvas);
        draw();
      }
    }
    if (this.#motion !== null) return;
    this.overlay.draw(this.#scene, view);
    this.labels.draw(view, zoom);
    this.#waiting.splice(0).forEach((done) => done());
  }

  /** Takes a step of the motion under way; the last one ends it. */
  #move(now: number): void {
    const { from, to, start } = this.#motion!;
    const share = Math.min(1, Math.max(0, (now - start) / MOVE_MS));
    if (share === 1) {
      this.#motion = null;
      this.element.classList.remove("cl-moving");
    }
    this.#change({ places: share === 1 ? to : between(from, to, share * share * (3 - 2 * share)) });
  }

  /** Gives the canvases as many dots as the screen has for them; setting them clears. */
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
    this.#told.hover(row, x, y);
  }

  #click(event: MouseEvent): void {
    event.stopPropagation();
    const at = this.#at(event);
    if (this.#dragged || this.#left(at) || event.altKey) return;
    this.#told.click(this.#nearest(at), event.shiftKey);
  }

  #left({ x, y }: { x: number; y: number }): boolean {
    return this.#pressed !== null && Math.hypot(x - this.#pressed.x, y - this.#pressed.y) > STILL;
  }

  #nearest(at: { x: number; y: number }): number {
    const { x, y } = this.#camera.placeAt(at);
    return nearest(this.#scene, x, y, REACH / this.#camera.view().scale);
  }

  #at(event: MouseEvent): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}

/** How much larger points are the nearer one looks: more slowly than what is between them. */
function grown(zoom: number): number {
  return Math.asinh(Math.max(1, zoom)) / Math.asinh(1);
}
