/** A record in a list; `row` is -1 if it is not on the map. */
export interface Line {
  row: number;
  id: string;
  text: string;
  distance?: number;
}

export interface Card extends Line {
  metadata: [key: string, value: string][];
}

export interface Entry {
  label: string;
  count: number;
  low: number;
  high: number;
}

export interface Legend {
  title: string;
  kind: "none" | "categories" | "numbers" | "dates";
  palette: string[];
  entries: Entry[];
}

export interface Label {
  text: string;
  x: number;
  y: number;
  count: number;
  /** Whether it is the label of one of the wide areas that the colors show, which contain the others. */
  wide: boolean;
}

export interface Contour {
  level: number;
  lines: DataView;
}

export type Focus = (Line & { near: Line[] }) | Record<string, never>;

/** The synced traits of `Map` in map.py; a Python test checks that the two agree. */
export interface MapModel {
  collection_name: string;
  count: number;
  /** Increases when the points move; requests about rows include it. */
  generation: number;
  points: DataView;
  codes: DataView;
  legend: Legend;
  color_by: string;
  color_choices: string[];
  hidden: number[];
  selected: DataView;
  labels: Label[];
  contours: Contour[];
  density: boolean;
  groups: DataView;
  outliers: DataView;
  query: string;
  hits: Line[];
  focus: Focus;
  moved: Line[];
  can_search: boolean;
  status: string;
  /** Whether the layout is still being computed; its steps arrive as `points`. */
  computing: boolean;
  /** Whether records were written that the map does not show; `refresh` reads them. */
  stale: boolean;
  can_act: boolean;
  selection_changes: number;
  selection_seen: number;
  height: number;
  error: string;
  busy: boolean;
}
