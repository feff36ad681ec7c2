import type { Histogram } from "../core/histogram";

export interface Column {
  key: string;
  kind: "number" | "boolean" | "text" | "list" | "other" | "mixed";
}

export interface Condition {
  text: string;
  low: number | string | null;
  high: number | string | null;
  tokens: string[];
}

export interface Row {
  id: string;
  document: string | null;
  cells: Record<string, string>;
  selected: boolean;
}

export interface ValuesSummary {
  kind: "values";
  values: { token: string; label: string; count: number }[];
}

/** The summary of a column; see summary.py. */
export type Summary = (Histogram | ValuesSummary) & { missing: number; distinct: number; others: number };

/** The synced traits of `Table` in table.py; a Python test checks that the two agree. */
export interface TableModel {
  collection_name: string;
  where: Record<string, unknown> | null;
  contains: string;
  order_by: string;
  only_selection: boolean;
  columns: Column[];
  conditions: Record<string, Condition>;
  where_text: string;
  command: string;
  total: number;
  records: number;
  selected: number;
  undoable: string;
  status: string;
  stamp: number;
  generation: number;
  height: number;
  can_act: boolean;
  selection_changes: number;
  selection_seen: number;
  error: string;
  busy: boolean;
}
