/** Calls from one thread to another: methods by name, lists that are read piece by piece, errors as errors. */
import type { MessagePort, Worker } from 'node:worker_threads';

interface Call {
  id: number;
  method: string;
  args: unknown[];
}

interface Result {
  id: number;
  value?: unknown;
  /** What is told of an error: not all of them are copied whole between threads. */
  error?: { message: string; stack?: string; code?: string; preparing?: number };
}

type Methods = Record<string, (...args: never[]) => unknown>;

/** Sends what is said in one go together: each message by itself wakes the other thread. */
class Outbox<Message> {
  #said: Message[] = [];

  /**
   * @param later calls back when all that is to go together has been said
   * @param onFailure told of what cannot be copied to another thread
   */
  constructor(
    private readonly port: Pick<MessagePort, 'postMessage'>,
    private readonly later: (send: () => void) => void,
    private readonly onFailure: (message: Message, error: Error) => void,
  ) {}

  say(message: Message): void {
    if (this.#said.push(message) === 1) this.later(() => this.#send(this.#said.splice(0)));
  }

  #send(messages: Message[]): void {
    try {
      this.port.postMessage(messages);
    } catch (error) {
      // One of them is at fault, and not the others.
      if (messages.length > 1) for (const each of messages) this.#send([each]);
      else this.onFailure(messages[0]!, error as Error);
    }
  }
}

/**
 * Answers the calls that come in. What gives out its parts one by one is asked for them by its number.
 * @param begin called before each
 */
export function serve(port: MessagePort, begin: () => void, methods: Methods): void {
  const open = new Map<number, AsyncIterator<unknown>>();
  const run = async ({ id, method, args }: Call): Promise<unknown> => {
    if (method === 'next') return piece(open, args[0] as number);
    if (method === 'return') return open.delete(args[0] as number);
    const value = await (methods[method] as (...given: unknown[]) => unknown)(...args);
    if (!isIterable(value)) return value;
    open.set(id, value[Symbol.asyncIterator]());
    return undefined;
  };
  // As soon as all that one commit settles is settled.
  const results = new Outbox<Result>(
    port,
    (send) => process.nextTick(send),
    ({ id }, { message }) => results.say({ id, error: { message } }),
  );
  port.on('message', (calls: Call[]) => {
    for (const call of calls) {
      begin();
      run(call).then(
        (value) => results.say({ id: call.id, value }),
        ({ message, stack, code, preparing }: Error & { code?: string; preparing?: number }) =>
          results.say({ id: call.id, error: { message, stack, code, preparing } }),
      );
    }
  });
}

/** How much of a list travels at a time. */
const PIECE = 500;

async function piece(open: Map<number, AsyncIterator<unknown>>, id: number): Promise<unknown[]> {
  const parts: unknown[] = [];
  const iterator = open.get(id)!;
  while (parts.length < PIECE) {
    const { done, value } = await iterator.next();
    if (done) break;
    parts.push(value);
  }
  if (parts.length < PIECE) open.delete(id);
  return parts;
}

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** The other end: calls, each settled by its result. When the thread is gone, what waits and what comes is rejected. */
export class Caller {
  #last = 0;
  #gone: Error | undefined;
  readonly #calls: Outbox<Call>;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();

  /** @param onDamage told where the database is damaged: what is written on would make it worse */
  constructor(
    worker: Worker,
    private readonly onDamage: (error: Error) => void = () => {},
  ) {
    // With all that the requests which were at the door ask for.
    this.#calls = new Outbox<Call>(
      worker,
      (send) => setImmediate(send),
      ({ id }, error) => this.#settle({ id, error }),
    );
    worker.on('message', (results: Result[]) => {
      for (const result of results) this.#settle(result);
    });
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', () => this.#end(new Error('the thread that keeps the data has ended')));
  }

  #settle({ id, value, error }: Result): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!error) return waiting?.resolve(value);
    const told = Object.assign(new Error(error.message), error);
    waiting?.reject(told);
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(told.code ?? '')) this.onDamage(told);
  }

  /** @param args copied when they are sent, which is not at once */
  call(method: string, args: unknown[]): Promise<unknown> {
    return this.#send(method, args).result;
  }

  /** Reads what a method gives out one by one. */
  async *list(method: string, args: unknown[]): AsyncGenerator<unknown> {
    const { id, result } = this.#send(method, args);
    await result;
    try {
      for (;;) {
        const parts = (await this.call('next', [id])) as unknown[];
        yield* parts;
        if (parts.length < PIECE) return;
      }
    } finally {
      if (!this.#gone) void this.call('return', [id]).catch(() => {});
    }
  }

  #send(method: string, args: unknown[]): { id: number; result: Promise<unknown> } {
    const id = ++this.#last;
    const result = new Promise<unknown>((resolve, reject) => {
      if (this.#gone) return reject(this.#gone);
      this.#waiting.set(id, { resolve, reject });
      this.#calls.say({ id, method, args });
    });
    return { id, result };
  }

  #end(error: Error): void {
    this.#gone ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}
