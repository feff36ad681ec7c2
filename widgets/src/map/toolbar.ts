import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";

/** The label, tooltip and icon of each button. */
const BUTTONS = {
  pan: ["Move", "Move the map (P)", "M8 1l2.5 3H9v3h3V5.500L15 8l-3 2.500V9H9v3h1.500L8 15l-2.500-3H7V9H4v1.500L1 8l3-2.500V7h3V4H5.500z"],
  lasso: ["Lasso", "Draw a lasso to select points (L, or Alt+drag)", "M8 2c3.600 0 6 1.900 6 4.300S11.600 10.600 8 10.600c-.7 0-1.300-.1-1.900-.2.4.9.1 2.100-.9 3.600l-1.100-.7c.9-1.300 1-2.100.5-2.500-.3-.2-.7-.2-1.300-.1C2.500 9.600 2 8.100 2 6.300 2 3.900 4.400 2 8 2zm0 1.400c-2.900 0-4.600 1.400-4.600 2.900 0 .9.3 1.700.8 2.300.6-.1 1.200 0 1.700.3.6.2 1.300.3 2.100.3 2.900 0 4.600-1.400 4.600-2.900S10.900 3.400 8 3.400z"],
  zoomIn: ["Zoom in", "Zoom in (+)", "M7 2h2v5h5v2H9v5H7V9H2V7h5z"],
  zoomOut: ["Zoom out", "Zoom out (-)", "M2 7h12v2H2z"],
  all: ["Show all", "Show the whole map (0)", "M2 2h5v1.500H3.500V7H2zm7 0h5v5h-1.500V3.500H9zM2 9h1.500v3.500H7V14H2zm10.500 0H14v5H9v-1.500h3.500z"],
  density: ["Density", "Show density contours (D)", "M8 2.500c3.300 0 6 2.500 6 5.500s-2.700 5.500-6 5.500S2 11 2 8s2.700-5.500 6-5.500zM8 4C5.500 4 3.500 5.800 3.500 8s2 4 4.500 4 4.500-1.800 4.500-4-2-4-4.500-4zm0 1.800c1.400 0 2.500 1 2.500 2.200S9.400 10.200 8 10.200 5.500 9.200 5.500 8 6.600 5.800 8 5.800z"],
} as const;

export type Tool = keyof typeof BUTTONS;

/** The toolbar above the map: search, the color menu, and tools. */
export class Toolbar {
  readonly search = element("input", { type: "search", autocomplete: "off", spellcheck: "false", dir: "auto" });
  readonly color = element("select", { "aria-label": "Color by" });
  readonly element: HTMLElement;
  readonly #buttons: Record<Tool, HTMLButtonElement>;

  constructor(name: string, listeners: Listeners, use: (tool: Tool) => void) {
    this.search.setAttribute("aria-label", `Search ${name}`);
    this.search.placeholder = "Search by meaning";
    const tools = Object.keys(BUTTONS) as Tool[];
    this.#buttons = Object.fromEntries(tools.map((tool) => [tool, button(tool)])) as Record<Tool, HTMLButtonElement>;
    for (const tool of tools) listeners.onElement(this.#buttons[tool], "click", () => use(tool));
    this.element = element(
      "div",
      { class: "cl-tools", role: "toolbar", "aria-label": "Map" },
      this.search,
      this.color,
      element("div", { class: "cl-buttons cl-joined" }, ...tools.map((tool) => this.#buttons[tool])),
    );
  }

  press(tool: Tool, on: boolean): void {
    this.#buttons[tool].setAttribute("aria-pressed", String(on));
  }

  /** Sets the choices of the color menu. */
  choices(names: readonly string[], chosen: string): void {
    const options = [...new Set([...names, chosen].filter((name) => name !== ""))];
    this.color.replaceChildren(element("option", { value: "" }, "Single color"), ...options.map((name) => element("option", { value: name }, name)));
    this.color.value = chosen;
    this.color.hidden = names.length === 0;
  }
}

function button(tool: Tool): HTMLButtonElement {
  const [name, title, path] = BUTTONS[tool];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  shape.setAttribute("fill-rule", "evenodd");
  svg.append(shape);
  return element("button", { type: "button", title, "aria-label": name }, svg);
}
