/** Server-sent events out of a response's body. */

export interface ServerEvent {
  /** "message" when the server named none. */
  event: string;
  data: string;
  id?: string;
}

/** Takes text as it arrives and gives the events that are whole; keeps the rest. Pure but for that. */
export class EventParser {
  private rest = "";

  push(text: string): ServerEvent[] {
    const blocks = (this.rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(eventOf).filter((event) => event !== null);
  }
}

/** The events of a stream until it ends; comments (heartbeats) call ``onBeat``. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  onBeat: () => void = () => undefined,
): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const reader = body.pipeThrough(new TextDecoderStream() as never).getReader();
  try {
    for (;;) {
      const { done, value } = (await reader.read()) as ReadableStreamReadResult<string>;
      if (done) return;
      onBeat();
      yield* parser.push(value);
    }
  } finally {
    await reader.cancel();
  }
}

function eventOf(block: string): ServerEvent | null {
  const fields = { event: "message", data: [] as string[], id: undefined as string | undefined };
  for (const line of block.split("\n")) {
    const [, name, value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === "data") fields.data.push(value);
    else if (name === "event") fields.event = value;
    else if (name === "id") fields.id = value;
  }
  return fields.data.length ? { ...fields, data: fields.data.join("\n") } : null;
}
