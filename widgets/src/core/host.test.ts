import { expect, test } from "vitest";
import { widget } from "./host";
import { Listeners } from "./listeners";
import { floats, Requests, words } from "./requests";

const ONE_TWO = { $binary: "AACAPwAAAEA=" }; // float32 1 and 2
const SEVEN = { $binary: "BwAAAA==" }; // uint32 7

interface Model {
  text_only?: boolean;
  points: DataView;
  lines: { level: number; at: DataView }[];
  name: string;
}

/** A host that hands on what the kernel sends, and its widget, which asks once. */
function drawn(state: object) {
  const handlers = new Map<string, Set<(...given: unknown[]) => void>>();
  const sent: [Record<string, unknown>, ArrayBuffer[] | undefined][] = [];
  const model = {
    get: (key: string) => (state as Record<string, unknown>)[key],
    on: (event: string, handler: () => void) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    off: (event: string, handler: () => void) => handlers.get(event)?.delete(handler),
    send: (message: Record<string, unknown>, _: unknown, buffers?: ArrayBuffer[]) => sent.push([message, buffers]),
  };
  const seen: { points?: number[]; at?: number[]; name?: string; answer?: Promise<number[]>; changes: number } = { changes: 0 };
  const { render } = widget<Model>(({ model }) => {
    const listeners = new Listeners();
    listeners.onModel(model, "change:points", () => (seen.changes += 1));
    seen.points = [...floats(model.get("points"))];
    seen.at = model.get("lines").flatMap(({ at }) => [...floats(at)]);
    seen.name = model.get("name");
    const asked = new Requests(model, listeners).ask("look", {}, [Uint32Array.of(7).buffer]);
    seen.answer = asked.then(({ buffers }) => buffers.flatMap((buffer) => [...words(buffer)]));
    return () => listeners.release();
  });
  const dispose = render({ model: model as never, el: {} as HTMLElement });
  const emit = (event: string, ...given: unknown[]) => [...(handlers.get(event) ?? [])].forEach((handler) => handler(...given));
  return { seen, sent, emit, dispose, listening: () => [...handlers.values()].reduce((total, set) => total + set.size, 0) };
}

test("in a host that loses binary buffers, bytes travel as text in both directions", async () => {
  const { seen, sent, emit, dispose, listening } = drawn({ text_only: true, points: ONE_TWO, lines: [{ level: 1, at: ONE_TWO }], name: "$binary" });
  expect([seen.points, seen.at, seen.name]).toEqual([[1, 2], [1, 2], "$binary"]);
  const [[asked, buffers]] = sent as [[Record<string, unknown>, undefined]];
  expect(asked).toMatchObject({ verb: "look", buffers: [SEVEN] });
  expect(buffers).toBeUndefined();
  emit("msg:custom", { reply: asked.request, body: {}, buffers: [SEVEN] }, []);
  expect(await seen.answer).toEqual([7]);
  dispose();
  expect(listening()).toBe(0);
});

test("there, a view asks for the state when it is drawn, after it listens to changes", () => {
  const { seen, sent, emit } = drawn({ text_only: true, points: ONE_TWO, lines: [], name: "" });
  expect(sent.map(([message]) => message.verb)).toEqual(["look", "state"]);
  emit("change:points");
  expect(seen.changes).toBe(1);
});

test("elsewhere, bytes stay bytes and the state is not sent again", () => {
  const points = new DataView(Float32Array.of(3).buffer);
  const { seen, sent } = drawn({ points, lines: [], name: "" });
  expect(seen.points).toEqual([3]);
  expect(sent.map(([message, buffers]) => [message.verb, buffers?.length])).toEqual([["look", 1]]);
});
