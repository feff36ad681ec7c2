import type { AnyModel, RenderProps } from "@anywidget/types";
import { element } from "../core/dom";
import { widget } from "../core/host";
import { onKeys } from "../core/keyboard";
import { Listeners } from "../core/listeners";
import { LiveRegion } from "../core/live";
import { bytes, floats, Requests, words, type Answer } from "../core/requests";
import { type ActingModel, SelectionBar } from "../core/selection_bar";
import { reducedMotion, watchTheme } from "../core/theme";
import { HoverCard } from "./card";
import type { How } from "./lasso";
import { hiddenCodes, LegendList } from "./legend";
import { Lists } from "./lists";
import type { Card, Line, MapModel } from "./model";
import { Stage } from "./stage";
import { Toolbar, type Tool } from "./toolbar";
import "./map.css";

const LISTED = 200; // records of a selection
const NARROW = 640; // width in pixels below which the legend moves under the map
const UNLIT = { light: "#cfcfcf", dark: "#565656" } as const;

function render({ model, el }: Pick<RenderProps<MapModel>, "model" | "el">): () => void {
  const listeners = new Listeners();
  const requests = new Requests(model, listeners);
  const live = new LiveRegion();
  const card = new HoverCard((row) => ask<Card>("item", { row }));
  const stage = new Stage(listeners, { hover, click, lasso });
  const toolbar = new Toolbar(model.get("collection_name"), listeners, use);
  const legend = new LegendList({ toggle, select: (entry) => requests.send("entry", { entry }) });
  const lists = new Lists(open);
  stage.element.append(card.element);
  stage.element.style.height = `${model.get("height")}px`;
  const side = element("aside", { "aria-label": "Legend and records" }, legend.element, lists.element);
  const highlight = element("button", { type: "button", title: "Color only the selected records" }, "Highlight");
  const bar = new SelectionBar(model as unknown as AnyModel<ActingModel>, requests, listeners, {
    clear: () => select(new Uint32Array()),
    home: stage.element,
    buttons: [highlight],
  });
  const stop = element("button", { type: "button", title: "Leave the map as it is now" }, "Stop");
  const foot = element("div", { class: "cl-foot" }, live.element, stop, bar.element);
  const root = element("div", { class: "chromalab-widget cl-map" }, toolbar.element, stage.element, side, foot);
  listeners.add(() => legend.release());
  listeners.add(() => lists.release());

  let painted = 0;
  let count = -1;
  let generation = -1; // of the drawn points
  let halved = false; // whether coordinates arrived without their codes, or codes without their coordinates
  let selected = words(model.get("selected"));
  // Whether only the selected records have color. A map opens in color, even if records were selected before; every change
  // of the selection highlights it.
  let highlighted = false;
  let chosen: Line[] = []; // the listed records of the selection
  let typed = ""; // the last text of the search box
  let asking = false;

  // ---- from the kernel

  const drawPoints = async (moved: boolean): Promise<void> => {
    const all = floats(model.get("points"));
    const codes = bytes(model.get("codes"));
    const coordinates = { x: all.subarray(0, all.length / 2), y: all.subarray(all.length / 2) };
    moved ||= halved || count < 0;
    halved = coordinates.x.length !== codes.length;
    if (halved) return; // the other half of the change is still to come
    const other = generation !== model.get("generation"); // whether the records may be others
    const animate = moved && codes.length === count && !reducedMotion();
    const how = !animate ? "at once" : model.get("computing") ? "step" : "animated";
    [count, generation] = [codes.length, model.get("generation")];
    paint();
    if (moved) card.forget(); // another record may be under the pointer
    if (other) {
      selected = words(model.get("selected")); // its rows belong to these coordinates
      void drawSelected();
    }
    stage.overlay.setContours(model.get("density") ? model.get("contours") : []);
    stage.overlay.setGroups(words(model.get("groups")));
    stage.overlay.outliers = words(model.get("outliers"));
    stage.labels.set(model.get("labels"));
    const drawn = moved ? stage.draw(coordinates, codes, how) : stage.recode(codes);
    if (moved && stage.isHome) stage.home();
    drawLegend();
    drawLit();
    await drawn;
    root.dataset.painted = String((painted += 1)); // for browser tests: counts the draws
    root.dataset.renderer = stage.renderer;
  };
  const paint = (): void => {
    const hidden = hiddenCodes(model.get("legend"), model.get("hidden"));
    stage.paint(model.get("legend").palette, hidden, UNLIT[root.dataset.theme === "dark" ? "dark" : "light"]);
  };
  const drawLegend = (): void => legend.draw(model.get("legend"), model.get("hidden"));
  /** Highlights the selection, and the clicked record or else the search results. */
  const drawLit = (): void => {
    const focus = model.get("focus");
    const focused = "row" in focus ? { row: focus.row as number, near: onMap(focus.near as Line[]) } : null;
    const hits = onMap(model.get("hits"));
    stage.overlay.focus = focused;
    stage.overlay.hits = focused === null ? hits : [];
    const lit = focused ? [focused.row, ...focused.near] : hits;
    const colored = highlighted ? selected : new Uint32Array();
    const all = new Uint32Array(colored.length + lit.length); // points with a ring come last, over the selection
    all.set(colored);
    all.set(lit, colored.length);
    stage.light(all);
    stage.soon();
    drawLists();
  };
  const drawLists = (): void => {
    const focus = model.get("focus");
    lists.draw([
      { title: "Nearest neighbors", lines: "row" in focus ? [focus as unknown as Line, ...(focus.near as Line[])] : [] },
      { title: `Results for ${model.get("query")}`, lines: model.get("hits"), ranked: true },
      { title: "Selected", lines: selected.length > 0 ? chosen : [], total: selected.length },
      { title: "Moved most", lines: model.get("moved"), ranked: true },
    ]);
  };
  const drawSelected = async (): Promise<void> => {
    const rows = selected;
    bar.draw(rows.length);
    drawStatus();
    drawLit();
    if (rows.length === 0) return;
    try {
      const { body } = await ask<{ items: Line[] }>("items", {}, [rows.slice(0, LISTED).buffer]);
      if (selected !== rows) return; // it has changed in the meantime
      chosen = body.items;
    } catch {
      chosen = [];
    }
    drawLists();
  };
  const drawStatus = (): void => {
    const error = model.get("busy") ? "" : model.get("error");
    const many = selected.length;
    const records = many === 0 ? "" : `${many.toLocaleString("en")} record${many === 1 ? "" : "s"} selected. `;
    root.classList.toggle("cl-busy", model.get("busy"));
    live.announce(error || records + model.get("status"), error !== "");
    stop.hidden = !model.get("computing");
    if (stop.hidden) drawStop(false);
    highlight.setAttribute("aria-pressed", String(highlighted));
  };
  /** Asks for what was written since; while points move to their layout, this waits. */
  const follow = (): void => {
    if (model.get("stale") && !model.get("computing")) requests.send("refresh");
  };
  const drawStop = (stopping: boolean): void => {
    stop.disabled = stopping; // the layout stops after its next step
    stop.textContent = stopping ? "Stopping…" : "Stop";
  };
  const drawDensity = (): void => {
    stage.overlay.setContours(model.get("density") ? model.get("contours") : []);
    toolbar.press("density", model.get("density"));
    stage.soon();
  };
  const drawChoices = (): void => toolbar.choices(model.get("color_choices"), model.get("color_by"));

  // An update from the kernel changes several traits; it is drawn once, after all of them have changed.
  const changed = new Set<string>();
  const later = (name: keyof MapModel): void => {
    listeners.onModel(model, `change:${name}`, () => {
      if (changed.size === 0) queueMicrotask(flush);
      changed.add(name);
    });
  };
  const flush = (): void => {
    const now = new Set(changed);
    changed.clear(); // first, as an error while drawing would otherwise stop all further drawing
    const has = (...names: (keyof MapModel)[]): boolean => names.some((name) => now.has(name));
    if (has("points", "codes", "labels", "groups", "outliers")) void drawPoints(has("points"));
    else if (has("hidden", "legend")) {
      paint();
      drawLegend();
    }
    if (has("selected") && !same(words(model.get("selected")), selected)) {
      selected = words(model.get("selected"));
      highlighted = true;
      void drawSelected();
    } else if (has("hits", "focus", "moved")) drawLit();
    if (has("density", "contours")) drawDensity();
    if (has("color_by", "color_choices")) drawChoices();
    if (has("status", "error", "busy", "computing")) drawStatus();
    if (has("stale", "computing")) follow();
    if (has("query") && !asking) toolbar.search.value = typed = model.get("query"); // otherwise more text was typed in the meantime
    if (has("height")) stage.element.style.height = `${model.get("height")}px`;
  };
  const names: (keyof MapModel)[] = [
    "points", "codes", "legend", "hidden", "selected", "labels", "contours", "density", "groups", "outliers",
    "hits", "focus", "moved", "color_by", "color_choices", "status", "computing", "stale", "error", "busy", "query", "height",
  ];
  names.forEach(later);

  // ---- from the user

  /** Sends a request about rows, which are only valid until the points move. */
  function ask<Body>(verb: string, fields: Readonly<Record<string, unknown>>, buffers: ArrayBuffer[] = []): Promise<Answer<Body>> {
    return requests.ask<Body>(verb, { ...fields, generation: model.get("generation") }, buffers);
  }
  function near(row: number): void {
    ask("near", { row }).catch(() => undefined); // the status line shows the message
  }
  function set(name: "hidden" | "density", value: unknown): void {
    model.set(name, value as never);
    model.save_changes();
  }
  function select(rows: Uint32Array): void {
    selected = rows.slice();
    highlighted = true;
    void drawSelected();
    ask("select", {}, [selected.slice().buffer]).catch(() => {
      selected = words(model.get("selected"));
      void drawSelected();
    });
  }
  function lasso(rows: Uint32Array, how: How): void {
    if (rows.length === 0) return; // the lasso contains no points
    clearHighlights();
    if (how === "replace") return select(rows);
    const chosen = new Set(selected);
    for (const row of rows) how === "remove" ? chosen.delete(row) : chosen.add(row);
    select(Uint32Array.from(chosen));
  }
  function click(row: number, add: boolean): void {
    if (row < 0) return add ? undefined : void clear();
    if (add) {
      const rest = selected.filter((other) => other !== row);
      if (rest.length < selected.length) return select(rest);
      const more = new Uint32Array(selected.length + 1);
      more.set(selected);
      more[selected.length] = row;
      return select(more);
    }
    if (selected.length <= 1) select(Uint32Array.of(row)); // looking at one record does not replace a selection of several
    near(row);
  }
  function open(line: Line): void {
    stage.reveal(line.row);
    near(line.row);
  }
  function hover(row: number, x: number, y: number): void {
    stage.element.classList.toggle("cl-pointing", row >= 0);
    if (row < 0) card.hide();
    else void card.show(row, x, y);
  }
  function toggle(entry: number): void {
    const hidden = model.get("hidden");
    set("hidden", hidden.includes(entry) ? hidden.filter((other) => other !== entry) : [...hidden, entry]);
  }
  function use(tool: Tool): void {
    if (tool === "zoomIn" || tool === "zoomOut") stage.steer(tool === "zoomIn" ? 1.5 : 1 / 1.5);
    else if (tool === "all") stage.home();
    else if (tool === "density") set("density", !model.get("density"));
    else {
      stage.lasso.mode = tool === "lasso";
      toolbar.press("lasso", tool === "lasso");
      toolbar.press("pan", tool === "pan");
    }
  }
  /** Clears the search and the clicked record, so that the selection shows. */
  function clearHighlights(): void {
    if ("row" in model.get("focus")) requests.send("unfocus");
    if (model.get("query") !== "") search("");
  }
  /** Clears one thing at a time: the lasso being drawn, an action, the clicked record, the search, the selection. */
  function clear(): boolean {
    if (stage.lasso.drawing) stage.lasso.cancel();
    else if (bar.close()) return true;
    else if ("row" in model.get("focus")) requests.send("unfocus");
    else if (model.get("query") !== "") search("");
    else if (selected.length > 0) select(new Uint32Array());
    else return false; // nothing to clear, so the notebook gets the key
    return true;
  }
  /** Runs one search at a time; text typed in the meantime is searched for after the reply. */
  function search(text: string): void {
    typed = text;
    if (text === "") toolbar.search.value = "";
    if (asking) return;
    asking = true;
    const answered = (): void => {
      asking = false;
      if (typed !== text) search(typed);
    };
    requests.ask("search", { text }).then(answered, answered);
  }

  listeners.onElement(highlight, "click", () => {
    highlighted = !highlighted;
    drawStatus();
    drawLit();
  });
  listeners.onElement(stop, "click", () => {
    requests.send("stop");
    drawStop(true);
    stage.element.focus(); // the button disappears
  });
  listeners.onElement(toolbar.search, "input", () => search(toolbar.search.value.trim()));
  listeners.onElement(toolbar.color, "change", () => requests.send("color", { by: toolbar.color.value }));
  onKeys(stage.element, listeners, {
    ArrowLeft: () => stage.steer(1, -1),
    ArrowRight: () => stage.steer(1, 1),
    ArrowUp: () => stage.steer(1, 0, 1),
    ArrowDown: () => stage.steer(1, 0, -1),
    "+": () => use("zoomIn"),
    "=": () => use("zoomIn"),
    "-": () => use("zoomOut"),
    "0": () => use("all"),
    l: () => use("lasso"),
    p: () => use("pan"),
    d: () => use("density"),
    "/": () => toolbar.search.focus(),
    Escape: clear,
  });
  onKeys(root, listeners, { Escape: clear });

  toolbar.search.hidden = !model.get("can_search");
  toolbar.search.value = model.get("query");
  el.append(root);
  const widths = new ResizeObserver(() => root.classList.toggle("cl-narrow", root.clientWidth < NARROW));
  widths.observe(root);
  listeners.add(() => widths.disconnect());
  watchTheme(root, listeners, () => {
    paint();
    stage.soon();
  });
  use("pan");
  drawDensity();
  drawChoices();
  drawStatus();
  void drawPoints(true);
  stage.resize();
  follow();
  return () => {
    listeners.release();
    root.remove();
  };
}

function same(some: Uint32Array, others: Uint32Array): boolean {
  return some.length === others.length && some.every((row, at) => row === others[at]);
}

function onMap(lines: readonly Line[]): number[] {
  return lines.map((line) => line.row).filter((row) => row >= 0);
}

export default widget(render);
