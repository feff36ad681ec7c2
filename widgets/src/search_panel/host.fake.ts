import widget, { type Row, type SearchPanelModel } from "./search_panel";

type Model = Parameters<typeof widget.render>[0]["model"];

/** The host side of the AFM contract: state, change events, sent messages. */
export function fakeModel(given: Partial<SearchPanelModel> = {}) {
  const state: SearchPanelModel = {
    collection_name: "facts",
    query: "",
    rows: [],
    status: "96 records",
    error: "",
    busy: false,
    can_judge: false,
    judgments: {},
    candidates: [],
    facets: [],
    chosen: {},
    ranges: {},
    where_text: "",
    transform: "",
    side: "after",
    moves: {},
    depth: 100,
    reasons: {},
    picked: [],
    selected: 0,
    can_act: true,
    selection_changes: 0,
    selection_seen: 0,
    ...given,
  };
  const handlers = new Map<string, Set<() => void>>();
  const sent: unknown[] = [];
  const model = {
    get: (key: keyof SearchPanelModel) => state[key],
    on: (event: string, handler: () => void) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    off: (event: string, handler: () => void) => handlers.get(event)?.delete(handler),
    send: (message: unknown) => sent.push(message),
    set: (key: keyof SearchPanelModel, value: never) => Object.assign(state, { [key]: value }),
    save_changes: () => undefined,
  } as unknown as Model;
  /** One update from the kernel: all values first, then the events, as Backbone does. */
  const update = (changes: Partial<SearchPanelModel>) => {
    const changed = Object.keys(changes).filter((key) => state[key as keyof SearchPanelModel] !== changes[key as keyof SearchPanelModel]);
    Object.assign(state, changes);
    for (const key of changed) for (const handler of handlers.get(`change:${key}`) ?? []) handler();
  };
  return { model, sent, update, listening: () => [...handlers.values()].reduce((total, set) => total + set.size, 0) };
}

export const row = (changes: Partial<Row> = {}): Row => ({ id: "a", document: "A red moon", distance: 0.25, metadata: [], ...changes });
