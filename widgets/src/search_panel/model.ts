import type { Histogram } from "../core/histogram";

export interface Candidate {
  id: string;
  document: string | null;
  metadata: [key: string, value: string][];
}

/** A record that may be missing from the results. */
export interface MissingRecord extends Candidate {
  /** The stage that dropped it, and by how much it missed; empty over other clients. */
  why: string;
}

export interface Row extends Candidate {
  distance: number;
}

export interface Judgment {
  relevance: number;
  note: string;
  by: string;
  shown: boolean;
}

export interface ValuesFacet {
  key: string;
  values: [value: string, count: number][];
  more: number;
}

export interface RangeFacet {
  key: string;
  histogram: Histogram;
}

export type Facet = ValuesFacet | RangeFacet;

/** The synced traits of `SearchPanel` in search_panel.py; a Python test checks that the two agree. */
export interface SearchPanelModel {
  collection_name: string;
  query: string;
  rows: Row[];
  status: string;
  error: string;
  busy: boolean;
  can_judge: boolean;
  judgments: Record<string, Judgment>;
  candidates: MissingRecord[];
  facets: Facet[];
  chosen: Record<string, number[]>;
  ranges: Record<string, [low: number | string | null, high: number | string | null]>;
  where_text: string;
  transform: string;
  side: string;
  moves: Record<string, number>;
  depth: number;
  reasons: { id?: string; lines?: string[] };
  selection_changes: number;
  selection_seen: number;
  picked: string[];
  /** The number of selected records, whether or not they are among the results. */
  selected: number;
  can_act: boolean;
}
