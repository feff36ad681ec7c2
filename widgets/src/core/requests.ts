import type { AnyModel } from "@anywidget/types";
import type { Listeners } from "./listeners";

export interface Answer<Body> {
  body: Body;
  buffers: DataView[];
}

type Channel = Pick<AnyModel, "on" | "off" | "send">;

/** Numbered requests to the kernel, and its replies. The verbs and their fields are those of the Python class. */
export class Requests {
  readonly #model: Channel;
  readonly #waiting = new Map<number, { done: (answer: Answer<never>) => void; failed: (problem: Error) => void }>();
  // Random, so that two views of one widget don't take each other's replies.
  #number = Math.floor(Math.random() * 2 ** 30) * 2 ** 20;

  constructor(model: Channel, listeners: Listeners) {
    this.#model = model;
    listeners.onModel(model, "msg:custom", (message: unknown, buffers: DataView[]) => this.#take(message, buffers));
    listeners.add(() => this.#waiting.clear());
  }

  /** Sends a request and waits for the reply; rejects with the error message of the kernel. */
  ask<Body>(verb: string, fields: Readonly<Record<string, unknown>> = {}, buffers: ArrayBuffer[] = []): Promise<Answer<Body>> {
    const number = (this.#number += 1);
    return new Promise((done, failed) => {
      this.#waiting.set(number, { done: done as (answer: Answer<never>) => void, failed });
      this.#model.send({ verb, ...fields, request: number }, undefined, buffers);
    });
  }

  /** Sends a request without waiting: its changes come back in traits. */
  send(verb: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#model.send({ verb, ...fields });
  }

  #take(message: unknown, buffers: DataView[]): void {
    const { reply, body, problem } = message as { reply?: number; body?: never; problem?: string };
    const waiting = reply === undefined ? undefined : this.#waiting.get(reply);
    if (reply === undefined || waiting === undefined) return;
    this.#waiting.delete(reply);
    if (problem === undefined) waiting.done({ body: body as never, buffers: buffers ?? [] });
    else waiting.failed(new Error(problem));
  }
}

/** Reads a binary column. A host may pass a view at any offset, but typed arrays need an aligned one. */
export function floats(view: DataView): Float32Array {
  return new Float32Array(aligned(view, 4));
}

export function words(view: DataView): Uint32Array {
  return new Uint32Array(aligned(view, 4));
}

export function bytes(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function aligned(view: DataView, size: number): ArrayBuffer {
  const end = view.byteOffset + view.byteLength - (view.byteLength % size);
  return view.buffer.slice(view.byteOffset, end) as ArrayBuffer;
}
