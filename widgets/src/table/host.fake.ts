import widget, { type Row, type TableModel } from "./table";
import type { Summary } from "./model";

type Model = Parameters<typeof widget.render>[0]["model"];
type Sent = { verb: string; request?: number; [field: string]: unknown };

export const HOSTILE = "<img src=x onerror=alert(1)>";
const YEARS: Summary = { kind: "numbers", edges: [0, 10, 20], closed: true, counts: [3, 1], missing: 2, distinct: 4, others: 0 };
const KINDS: Summary = {
  kind: "values",
  values: [
    { token: '"tea"', label: "tea", count: 30 },
    { token: '"chalk"', label: "chalk", count: 10 },
  ],
  missing: 0,
  distinct: 5,
  others: 2,
};

/** The host side of the AFM contract, and a kernel that replies with rows. */
export function fakeModel(given: Partial<TableModel> = {}, makeRow: (at: number) => Row = plainRow) {
  const state: TableModel = {
    collection_name: "notes",
    where: null,
    contains: "",
    order_by: "",
    only_selection: false,
    columns: [
      { key: "year", kind: "number" },
      { key: "kind", kind: "text" },
    ],
    conditions: {},
    where_text: "",
    command: "%chroma get notes",
    total: 1_000_000,
    records: 1_000,
    selected: 0,
    undoable: "",
    status: "1,000,000 records",
    can_act: true,
    selection_changes: 0,
    selection_seen: 0,
    stamp: 1,
    generation: 1,
    height: 420,
    error: "",
    busy: false,
    ...given,
  };
  const handlers = new Map<string, Set<(...given: unknown[]) => void>>();
  const sent: Sent[] = [];
  const fire = (event: string, ...values: unknown[]) => {
    for (const handler of handlers.get(event) ?? []) handler(...values);
  };
  const reply = (request: number, body: unknown) => queueMicrotask(() => fire("msg:custom", { reply: request, body }, []));
  const refuse = { verb: "", problem: "" };
  const model = {
    get: (key: keyof TableModel) => state[key],
    on: (event: string, handler: () => void) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    off: (event: string, handler: () => void) => handlers.get(event)?.delete(handler),
    send: (message: Sent) => {
      sent.push(message);
      const { verb, request, start, stop, column } = message as Sent & { start: number; stop: number };
      if (request === undefined) return;
      if (verb === refuse.verb) queueMicrotask(() => fire("msg:custom", { reply: request, problem: refuse.problem }, []));
      else if (verb === "page") {
        const rows = Array.from({ length: Math.min(stop, state.total) - start }, (_, i) => makeRow(start + i));
        reply(request, { stamp: state.stamp, generation: state.generation, start, rows });
      } else if (verb === "summary") reply(request, column === "year" ? YEARS : KINDS);
      else if (verb === "record") reply(request, { id: message.id, document: HOSTILE, cells: { year: "1999", kind: HOSTILE } });
      else reply(request, { text: "a\nb" });
    },
  } as unknown as Model;
  const update = (changes: Partial<TableModel>) => {
    Object.assign(state, changes);
    for (const key of Object.keys(changes)) fire(`change:${key}`);
  };
  const listening = () => [...handlers.values()].reduce((total, set) => total + set.size, 0);
  const requests = (verb: string) => sent.filter((message) => message.verb === verb).map(({ verb: _, request: __, ...fields }) => fields);
  return { model, sent, requests, update, listening, refuse };
}

export const plainRow = (at: number): Row => ({ id: `n${at}`, document: `text ${at}`, cells: { year: String(at) }, selected: at === 1 });
