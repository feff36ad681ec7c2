import type { AnyModel, RenderProps } from "@anywidget/types";

/** Bytes as base64 text, as `encode` in binary.py makes them. */
interface Encoded {
  $binary: string;
}

type Render<Model extends object> = (props: Pick<RenderProps<Model>, "model" | "el">) => () => void;
type Handler = (...given: any[]) => void;

/**
 * Makes the module of a widget from its `render`. In a host that loses binary buffers, the kernel sends `text_only`: then
 * bytes travel as text, in both directions. Such a host, which is Colab, may also keep from a view what a later cell has
 * changed. So the view asks for the state again when it is drawn; what is new in it arrives as any other change.
 */
export function widget<Model extends object>(render: Render<Model>): { render: Render<Model> } {
  return {
    render: ({ model, el }) => {
      if (model.get("text_only" as keyof Model & string) !== true) return render({ model, el });
      const dispose = render({ model: asText(model), el });
      model.send({ verb: "state" });
      return dispose;
    },
  };
}

function asText<Model extends object>(model: AnyModel<Model>): AnyModel<Model> {
  const handlers = new Map<Handler, Handler>();
  return {
    get: (key: keyof Model & string) => decoded(model.get(key)),
    set: (key: keyof Model & string, value: never) => model.set(key, value),
    save_changes: () => model.save_changes(),
    on: (event: string, handler: Handler) => {
      if (event !== "msg:custom") return model.on(event, handler);
      const decoding: Handler = ({ buffers = [], ...message }) => handler(message, buffers.map(decoded));
      handlers.set(handler, decoding);
      model.on(event, decoding);
    },
    off: (event: string, handler: Handler) => model.off(event, handlers.get(handler) ?? handler),
    send: (message: object, callbacks: unknown, buffers: ArrayBuffer[] = []) =>
      model.send(buffers.length === 0 ? message : { ...message, buffers: buffers.map(encoded) }, callbacks),
    widget_manager: model.widget_manager,
  } as AnyModel<Model>;
}

function decoded(value: unknown): any {
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== "object" || value === null) return value;
  if ("$binary" in value) return new DataView(Uint8Array.from(atob((value as Encoded).$binary), (letter) => letter.charCodeAt(0)).buffer);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decoded(inner)]));
}

function encoded(buffer: ArrayBuffer): Encoded {
  let letters = "";
  for (const byte of new Uint8Array(buffer)) letters += String.fromCharCode(byte);
  return { $binary: btoa(letters) };
}
