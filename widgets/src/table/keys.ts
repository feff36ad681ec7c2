import type { Listeners } from "../core/listeners";
import type { Grid } from "./grid";

interface Actions {
  act(what: string): void;
  /** Closes what is open; returns false if nothing is. */
  escape(): boolean;
  /** Selects the active row, or the range that ends at it. */
  select(range: boolean): void;
  /** Handles Enter outside of the grid or in its editor; returns false if it has no effect. */
  enter(target: HTMLElement): boolean;
}

/** Handles the keys of the table. They do not reach the notebook, whose command mode uses them for other things. */
export function gridKeys(root: HTMLElement, grid: Grid, listeners: Listeners, actions: Actions): void {
  listeners.onElement(root, "keydown", (event) => {
    if (event.altKey || event.isComposing) return;
    const target = event.target as HTMLElement;
    const inGrid = target === grid.element;
    const plain = !event.ctrlKey && !event.metaKey;
    let done = false;
    if (event.key === "Escape") done = actions.escape();
    else if (event.key === "Enter" && plain && !inGrid) done = actions.enter(target);
    else if (inGrid) done = plain ? plainKey(event, grid, actions) : controlKey(event, grid, actions);
    if (done) event.preventDefault();
    if (done || (plain && event.key !== "Tab" && event.key !== "Escape")) event.stopPropagation();
  });
}

function plainKey(event: KeyboardEvent, grid: Grid, { act, select }: Actions): boolean {
  const { row, column } = grid.active;
  const page = grid.viewport.page;
  const moves: Record<string, [row: number, column: number]> = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    PageUp: [Math.max(0, row - page), column],
    PageDown: [Math.max(0, row) + page, column],
    Home: [row, 0],
    End: [row, grid.columns.length - 1],
  };
  const move = moves[event.key];
  if (move) {
    grid.go(...move);
    if (event.shiftKey && grid.active.row !== row) select(true);
    return true;
  }
  const does: Record<string, string> = { Enter: "open", F2: "open", f: "filter", F: "filter", Delete: "delete" };
  const what = does[event.key];
  if (what) act(what);
  else if (event.key === " ") select(event.shiftKey);
  return what !== undefined || event.key === " ";
}

function controlKey(event: KeyboardEvent, grid: Grid, { act }: Actions): boolean {
  const key = event.key.toLowerCase();
  if (key === "home") grid.go(0, 0);
  else if (key === "end") grid.go(grid.total - 1, grid.columns.length - 1);
  else if (key === "z") act("undo");
  else if (key === "a") act("all");
  else return false;
  return true;
}
