import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { bytesIn, type Fields, fieldsOf, messagesIn, numberIn, textIn } from './protobuf.ts';

/** A span as it was sent. */
export interface ReceivedSpan {
  /** `service.name`. */
  service: string;
  traceId: string;
  spanId: string;
  /** Empty for the first one of a trace. */
  parentId: string;
  name: string;
  /** 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  durationMs: number;
  attributes: Record<string, string | number>;
  /** Trace ids. */
  links: string[];
  isFailed: boolean;
}

const WITHIN_MS = 60_000;
const STATUS_ERROR = 2;

/** An OpenTelemetry collector that keeps what it is sent: OTLP 1, protobuf over HTTP. */
export class Collector {
  readonly spans: ReceivedSpan[] = [];
  /** Everything that came, as it came. */
  readonly bodies: Buffer[] = [];
  /** The headers of the last request. */
  headers: IncomingMessage['headers'] = {};
  #server: Server | undefined;
  #port = 0;

  static async start(): Promise<Collector> {
    const collector = new Collector();
    await collector.listen();
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const whole = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole;
      const isTraces = request.method === 'POST' && request.url === '/v1/traces';
      const isProtobuf = request.headers['content-type'] === 'application/x-protobuf';
      if (isTraces && isProtobuf) {
        this.headers = request.headers;
        this.bodies.push(body);
        this.spans.push(...spansOf(body));
      }
      response.writeHead(isTraces && isProtobuf ? 200 : 400, { 'content-type': 'application/x-protobuf' });
      response.end();
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  /** The spans of a trace, or all, once `isEnough` holds for them; what there is after a minute. */
  async until(isEnough: (spans: ReceivedSpan[]) => boolean, traceId?: string): Promise<ReceivedSpan[]> {
    const now = () => this.spans.filter((span) => traceId === undefined || span.traceId === traceId);
    for (const end = Date.now() + WITHIN_MS; !isEnough(now()) && Date.now() < end; ) await sleep(100);
    return now();
  }
}

/** By opentelemetry/proto/trace/v1/trace.proto. */
function spansOf(body: Buffer): ReceivedSpan[] {
  return messagesIn(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const [resource] = messagesIn(resourceSpans, 1);
    const service = String(attributesOf(resource!, 1)['service.name']);
    return messagesIn(resourceSpans, 2).flatMap((scopeSpans) =>
      messagesIn(scopeSpans, 2).map((span) => spanOf(service, span)),
    );
  });
}

function spanOf(service: string, span: Fields): ReceivedSpan {
  const nanoseconds = (field: number) => bytesIn(span, field).readBigUInt64LE();
  const [status] = messagesIn(span, 15);
  return {
    service,
    traceId: bytesIn(span, 1).toString('hex'),
    spanId: bytesIn(span, 2).toString('hex'),
    parentId: bytesIn(span, 4).toString('hex'),
    name: textIn(span, 5),
    kind: numberIn(span, 6),
    durationMs: Number(nanoseconds(8) - nanoseconds(7)) / 1e6,
    attributes: attributesOf(span, 9),
    links: messagesIn(span, 13).map((link) => bytesIn(link, 1).toString('hex')),
    isFailed: status !== undefined && numberIn(status, 3) === STATUS_ERROR,
  };
}

/** Texts and whole numbers; calltally has no others. */
function attributesOf(message: Fields, field: number): Record<string, string | number> {
  return Object.fromEntries(
    messagesIn(message, field).map((pair) => {
      const [value] = messagesIn(pair, 2);
      return [textIn(pair, 1), value!.has(3) ? numberIn(value!, 3) : textIn(value!, 1)];
    }),
  );
}
