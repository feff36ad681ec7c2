import type { MapRenderer } from "./renderer";
import { LIT, type Scene, type View } from "./scene";

/** Each widget loads its own copy of this module, and browsers allow few WebGL contexts per page, so all maps share one. */
const SHARED = Symbol.for("chromalab.map.webgl");
const page = globalThis as { [SHARED]?: { gl: WebGL2RenderingContext; users: number } };

const VERTEX = `#version 300 es
precision highp float;
in float x;
in float y;
in uint code;
uniform vec4 view; // scale and offset in x and y
uniform float size;
uniform float opacity;
uniform vec4 flatColor; // the color of all points, unless its alpha is 0
uniform sampler2D palette;
out vec4 color;
out float width;
void main() {
  vec4 own = texelFetch(palette, ivec2(int(code), 0), 0);
  gl_Position = own.a == 0.0 ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(x * view.x + view.z, y * view.y + view.w, 0.0, 1.0);
  gl_PointSize = size + 1.0;
  width = size + 1.0;
  color = vec4(flatColor.a == 0.0 ? own.rgb : flatColor.rgb, 1.0) * opacity;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec4 color;
in float width;
out vec4 dot;
void main() {
  dot = color * clamp(width * (0.5 - distance(gl_PointCoord, vec2(0.5))), 0.0, 1.0);
}`;

type Uniform = "view" | "size" | "opacity" | "flatColor";

/** Draws points with WebGL 2 in the page's shared context, and copies them to the canvas of the map. */
export class WebglRenderer implements MapRenderer {
  readonly kind = "webgl";
  readonly #canvas: HTMLCanvasElement;
  #drawn: { gl: WebGL2RenderingContext; brush: Brush } | null;

  static create(canvas: HTMLCanvasElement): WebglRenderer | null {
    const begun = begin();
    return begun === null ? null : new WebglRenderer(canvas, begun);
  }

  private constructor(canvas: HTMLCanvasElement, begun: { gl: WebGL2RenderingContext; brush: Brush }) {
    this.#canvas = canvas;
    this.#drawn = begun;
  }

  draw(scene: Scene, view: View, size: number, opacity: number): boolean {
    if (this.#drawn?.gl.isContextLost()) {
      this.destroy();
      this.#drawn = begin(); // the browser may have dropped the context, and may provide another
    }
    const target = this.#canvas.getContext("2d");
    if (this.#drawn === null || target === null) return false;
    const { gl, brush } = this.#drawn;
    const { width, height } = this.#canvas;
    const ratio = devicePixelRatio;
    if (gl.canvas.width < width) gl.canvas.width = width;
    if (gl.canvas.height < height) gl.canvas.height = height;
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    brush.load(scene);
    const [across, up] = [(2 * ratio) / width, (2 * ratio) / height]; // the size of one pixel of the stage
    gl.uniform4f(brush.uniform("view"), view.scale * across, view.scale * up, view.left * across - 1, 1 - view.top * up);
    brush.paint(size * ratio, opacity, scene.lit.length > 0 ? scene.unlit : 0);
    gl.drawArrays(gl.POINTS, 0, scene.codes.length);
    if (scene.lit.length > 0) {
      brush.paint(size * LIT.grown * ratio, LIT.opacity, 0);
      gl.drawElements(gl.POINTS, scene.lit.length, gl.UNSIGNED_INT, 0);
    }
    target.clearRect(0, 0, width, height);
    target.drawImage(gl.canvas, 0, gl.canvas.height - height, width, height, 0, 0, width, height);
    return true;
  }

  destroy(): void {
    if (this.#drawn === null) return;
    if (!this.#drawn.gl.isContextLost()) this.#drawn.brush.destroy();
    this.#drawn = null;
    giveBack();
  }
}

/** The program and the buffers of one map. Only the parts that changed since the last draw are uploaded again. */
class Brush {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  readonly #array: WebGLVertexArrayObject;
  readonly #buffers: Record<"x" | "y" | "code" | "lit", WebGLBuffer>;
  readonly #palette: WebGLTexture;
  readonly #uniforms = new Map<Uniform, WebGLUniformLocation | null>();
  #loaded: Partial<Scene> = {};

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.#program = linked(gl);
    this.#array = gl.createVertexArray();
    this.#buffers = { x: gl.createBuffer(), y: gl.createBuffer(), code: gl.createBuffer(), lit: gl.createBuffer() };
    this.#palette = gl.createTexture();
    gl.bindVertexArray(this.#array);
    for (const name of ["x", "y", "code"] as const) {
      const location = gl.getAttribLocation(this.#program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[name]);
      gl.enableVertexAttribArray(location);
      if (name === "code") gl.vertexAttribIPointer(location, 1, gl.UNSIGNED_BYTE, 0, 0);
      else gl.vertexAttribPointer(location, 1, gl.FLOAT, false, 0, 0);
    }
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.#buffers.lit); // the vertex array records this binding
    gl.bindVertexArray(null);
  }

  uniform(name: Uniform): WebGLUniformLocation | null {
    if (!this.#uniforms.has(name)) this.#uniforms.set(name, this.#gl.getUniformLocation(this.#program, name));
    return this.#uniforms.get(name) ?? null;
  }

  /** Binds this brush to the context and uploads a scene. */
  load(scene: Scene): void {
    const [gl, before] = [this.#gl, this.#loaded];
    gl.useProgram(this.#program);
    gl.bindVertexArray(this.#array);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindTexture(gl.TEXTURE_2D, this.#palette);
    const fill = (name: "x" | "y" | "code", data: ArrayBufferView): void => {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[name]);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    };
    if (before.coordinates !== scene.coordinates) {
      fill("x", scene.coordinates.x);
      fill("y", scene.coordinates.y);
    }
    if (before.codes !== scene.codes) fill("code", scene.codes);
    if (before.lit !== scene.lit) gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, scene.lit, gl.DYNAMIC_DRAW);
    if (before.palette !== scene.palette) {
      const bytes = new Uint8Array(scene.palette.buffer, scene.palette.byteOffset, scene.palette.byteLength);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, scene.palette.length, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST); // otherwise it would need mipmaps
    }
    this.#loaded = scene;
  }

  /** Sets how the next points are drawn; `flat` is the color of all points, or 0 to use their own colors. */
  paint(size: number, opacity: number, flat: number): void {
    const gl = this.#gl;
    gl.uniform1f(this.uniform("size"), size);
    gl.uniform1f(this.uniform("opacity"), opacity);
    const [red, green, blue, alpha] = [flat & 255, (flat >> 8) & 255, (flat >> 16) & 255, flat >>> 24];
    gl.uniform4f(this.uniform("flatColor"), red / 255, green / 255, blue / 255, alpha / 255);
  }

  destroy(): void {
    Object.values(this.#buffers).forEach((buffer) => this.#gl.deleteBuffer(buffer));
    this.#gl.deleteTexture(this.#palette);
    this.#gl.deleteVertexArray(this.#array);
    this.#gl.deleteProgram(this.#program);
  }
}

function linked(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader); // freed together with the program
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "WebGL could not link the shaders.");
  return program;
}

/** Returns the page's context with a brush, or null if there is no hardware-accelerated context. */
function begin(): { gl: WebGL2RenderingContext; brush: Brush } | null {
  const gl = borrow();
  if (gl === null) return null;
  try {
    return { gl, brush: new Brush(gl) };
  } catch {
    giveBack();
    return null; // a driver that rejects the shaders
  }
}

function borrow(): WebGL2RenderingContext | null {
  const shared = page[SHARED];
  if (shared === undefined || shared.gl.isContextLost()) {
    const canvas = document.createElement("canvas");
    const gl = canvas.getContext("webgl2", { depth: false, antialias: false, failIfMajorPerformanceCaveat: true });
    if (gl === null || isSoftware(gl)) return null;
    page[SHARED] = { gl, users: shared?.users ?? 0 };
  }
  page[SHARED]!.users += 1;
  return page[SHARED]!.gl;
}

/** Chromium does not report its software renderer as a performance caveat, so check the name of the renderer. */
function isSoftware(gl: WebGL2RenderingContext): boolean {
  const known = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(known?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  const software = /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
  if (software) release(gl);
  return software;
}

function release(gl: WebGL2RenderingContext): void {
  gl.getExtension("WEBGL_lose_context")?.loseContext();
}

function giveBack(): void {
  const shared = page[SHARED];
  if (shared === undefined || (shared.users -= 1) > 0) return;
  release(shared.gl);
  delete page[SHARED];
}
