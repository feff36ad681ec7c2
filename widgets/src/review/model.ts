export interface Choice {
  name: string;
  label: string;
  hint: string;
  needs: string;
}

export interface ShownRecord {
  id: string;
  /** Pieces of the document: 0 in both records, 1 only in this one, -1 missing from this one. */
  text: [piece: string, mark: number][];
  metadata: [key: string, value: string, differs: boolean][];
  note: string;
}

export interface Item {
  heading: string;
  records: ShownRecord[];
  facts: [label: string, value: string][];
  more: number;
  suggested: string;
  guess: string;
  targets: [key: string, name: string][];
  keeps_one: boolean;
  text: string;
}

export interface Confident {
  least?: number;
  count?: number;
  examples?: [document: string, label: string][];
}

/** The synced traits of `Review` in review.py; a Python test checks that the two agree. */
export interface ReviewModel {
  collection_name: string;
  kind: string;
  choices: Choice[];
  key: string;
  item: Partial<Item>;
  decided: string;
  position: number;
  length: number;
  done: number;
  total: number;
  plan: string;
  undoes: string;
  has_guesses: boolean;
  confident: Confident;
  status: string;
  follows: boolean;
  selection_changes: number;
  selection_seen: number;
  error: string;
  busy: boolean;
}
