/** A record as a line of a list; `row` is -1 for one that is not on the map. */
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
  /** Whether it names one of the few areas that the colours show, made of several others. */
  wide: boolean;
}

export interface Contour {
  level: number;
  lines: DataView;
}

export type Focus = (Line & { near: Line[] }) | Record<string, never>;

/** The synced traits of `Map` in map.py; a Python test holds the two together. */
export interface MapModel {
  collection_name: string;
  count: number;
  /** Goes up when the points move; what is asked about rows is sent with it. */
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
  height: number;
  error: string;
  busy: boolean;
}
