import createScatterplot, { createRenderer } from "regl-scatterplot";
import { pointStyle, type MapRenderer, type Places, type Told, type View } from "./renderer";

type Scatterplot = ReturnType<typeof createScatterplot>;
type Shared = ReturnType<typeof createRenderer>;

/** Each widget loads this module anew, and browsers allow a page few WebGL contexts: all maps draw through one. */
const SHARED = Symbol.for("chromalab.map.renderer");
const page = globalThis as { [SHARED]?: { renderer: Shared; users: number } };

const MOVE_MS = 1200;

/** So many lit points are drawn by codes of their own: the library draws each lit point four times. */
const MANY = 20_000;

/** Points by regl-scatterplot, which also has the camera: drag to move, wheel to zoom. */
export class WebglRenderer implements MapRenderer {
  readonly kind = "webgl";
  readonly #plot: Scatterplot;
  readonly #canvas: HTMLCanvasElement;
  #places: Places = { x: new Float32Array(), y: new Float32Array() };
  #last: Promise<void> = Promise.resolve();
  #codes: Uint8Array = new Uint8Array();
  #palette: readonly string[] = ["#888888"];
  #unlit = "#888888";
  #lit: number[] = [];
  #shown: number[] | null = null;
  #masked = false; // whether the codes that are drawn are not those of all points
  #gone = false;

  static create(canvas: HTMLCanvasElement, told: Told): WebglRenderer | null {
    const renderer = borrow();
    if (renderer === null) return null;
    return new WebglRenderer(canvas, told, renderer);
  }

  private constructor(canvas: HTMLCanvasElement, told: Told, renderer: Shared) {
    this.#canvas = canvas;
    this.#plot = createScatterplot({
      renderer,
      canvas,
      width: Math.max(1, canvas.clientWidth),
      height: Math.max(1, canvas.clientHeight),
      colorBy: "valueA",
      actionKeyMap: {}, // lasso and clicks are the stage's: notebooks take the moves of Shift and drag
      deselectOnDblClick: false,
      deselectOnEscape: false,
      lassoInitiator: false,
      pointOutlineWidth: 0,
      pointSizeSelected: 0,
      pointScaleMode: "asinh",
    } as Parameters<typeof createScatterplot>[0]);
    this.#plot.subscribe("view", () => told.view());
    this.#plot.subscribe("pointOver", (row) => told.hover(row));
    this.#plot.subscribe("pointOut", () => told.hover(-1));
  }

  draw(places: Places, codes: Uint8Array, animate: boolean): Promise<void> {
    return this.#next(async () => {
      const { size, opacity } = pointStyle(codes.length);
      this.#places = places;
      this.#codes = codes;
      this.#shown = null;
      this.#masked = false;
      void this.#plot.set({ pointSize: size, opacity });
      await this.#plot.draw(
        { x: places.x, y: places.y, z: codes },
        { zDataType: "categorical", transition: animate, transitionDuration: MOVE_MS },
      );
      await this.#relight();
    });
  }

  recode(codes: Uint8Array): Promise<void> {
    return this.#next(async () => {
      this.#codes = codes;
      this.#shown = null;
      this.#masked = false;
      await this.#put(codes, false);
      await this.#relight();
    });
  }

  paint(palette: readonly string[], unlit: string): void {
    this.#palette = palette.length > 1 ? palette : [palette[0] ?? unlit, palette[0] ?? unlit];
    this.#unlit = unlit;
    this.#colour();
  }

  light(rows: ArrayLike<number>): void {
    this.#lit = Array.from(rows);
    void this.#next(() => this.#relight());
  }

  show(rows: number[] | null): void {
    if (rows === null && this.#shown === null) return;
    this.#shown = rows;
    void this.#next(async () => {
      if (rows === null) void this.#plot.unfilter({ preventEvent: true });
      else void this.#plot.filter(rows, { preventEvent: true });
      await this.#relight();
    });
  }

  view(): View {
    const matrix = this.#plot.get("cameraView") as unknown as Float32Array;
    const { clientWidth, clientHeight } = this.#canvas;
    const half = clientHeight / 2;
    const scale = (matrix[0] ?? 1) * half;
    return { scale, left: clientWidth / 2 + (matrix[12] ?? 0) * half, top: half - (matrix[13] ?? 0) * half };
  }

  lookAt(x: number, y: number, half: number): void {
    void this.#plot.zoomToLocation([x, y], half);
  }

  resize(width: number, height: number): void {
    void this.#plot.set({ width, height });
  }

  destroy(): void {
    this.#gone = true;
    this.#plot.destroy();
    giveBack();
  }

  /** One draw after another: the library refuses two at once. */
  #next(step: () => Promise<void>): Promise<void> {
    const unlessGone = (): Promise<void> => (this.#gone ? Promise.resolve() : step());
    this.#last = this.#last.then(unlessGone, unlessGone);
    return this.#last;
  }

  /** Draws the points there are by codes. Their index of places is kept: it takes longer to make than all the rest. */
  #put(codes: Uint8Array, keepFilter: boolean): Promise<void> {
    const { x, y } = this.#places;
    const spatialIndex = this.#plot.get("spatialIndex");
    return this.#plot.draw({ x, y, z: codes }, { zDataType: "categorical", spatialIndex, preventFilterReset: keepFilter });
  }

  #colour(): void {
    const own = [...this.#palette, this.#unlit];
    const base = this.#lit.length > 0 && !this.#masked ? own.map(() => this.#unlit) : own;
    // The library's types know one active colour; it takes one for each code as well.
    const colors = { pointColor: base, pointColorActive: own, pointColorHover: own };
    void this.#plot.set(colors as unknown as Parameters<Scatterplot["set"]>[0]);
  }

  async #relight(): Promise<void> {
    if (this.#gone) return;
    const lit = this.#lit;
    const masks = lit.length > MANY;
    if (masks || this.#masked) {
      const codes = masks ? new Uint8Array(this.#codes.length).fill(this.#palette.length) : this.#codes;
      if (masks) for (const row of lit) codes[row] = this.#codes[row] ?? 0;
      this.#masked = masks;
      await this.#put(codes, true);
    }
    this.#colour();
    if (lit.length === 0 || masks) this.#plot.deselect({ preventEvent: true });
    else this.#plot.select([...lit], { preventEvent: true });
  }
}

function borrow(): Shared | null {
  if (page[SHARED] === undefined) {
    try {
      const renderer = createRenderer();
      if (!renderer.isSupported) {
        renderer.destroy();
        return null;
      }
      page[SHARED] = { renderer, users: 0 };
    } catch {
      return null; // no WebGL at all
    }
  }
  page[SHARED].users += 1;
  return page[SHARED].renderer;
}

function giveBack(): void {
  const shared = page[SHARED];
  if (shared === undefined || (shared.users -= 1) > 0) return;
  shared.renderer.destroy();
  delete page[SHARED];
}
