export interface Candidate {
  id: string;
  document: string | null;
  metadata: [key: string, value: string][];
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

export interface Facet {
  key: string;
  values: [value: string, count: number][];
  more: number;
}

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
  candidates: Candidate[];
  facets: Facet[];
  chosen: Record<string, number[]>;
  where_text: string;
  transform: string;
  side: string;
  moves: Record<string, number>;
  depth: number;
  reasons: { id?: string; lines?: string[] };
  picked: string[];
}
