/** Sending: one tab at a time numbers the events, sends them in batches, and takes them out when they are acknowledged. */
import { publish, tell, type StagetagError } from './expose/publish.js';
import { user, visitorId } from './identity.js';
import { adoptAnswer, rules } from './model.js';
import { loadQueue, queued, removeQueued, shelve, writeJournal, type Queued } from './queue.js';
import { ourName, warn } from './settings.js';
import { readText, writeText } from './storage.js';
import { post, type Reply } from './transport.js';

/** Events of one moment travel together. */
const GATHER_MS = 250;
/** Some 40 kB; where it is more than the collector takes, halves are tried. */
const BATCH_EVENTS = 100;
const MAX_BACKOFF_MS = 60_000;
const REFUSED_MS = 3_600_000;

/** Events on their way, so that leaving the page does not send them again. */
const inFlight = new Set<string>();
/** Lets the next tab send; there while this one may. */
let release: (() => void) | undefined;
let asking: Promise<unknown> | undefined;
let isWanted = false;
let running: Promise<void> | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let failures = 0;
let notBefore = 0;
let size = BATCH_EVENTS;

/** Becomes the sending tab as soon as no other is. */
function lead(): void {
  isWanted = true;
  const begin = (done: () => void) => {
    asking = undefined;
    if (!isWanted) return done();
    release = done;
    wake(0);
  };
  const request = async () => navigator.locks.request(ourName(), () => new Promise<void>(begin));
  // Without locks (old browsers, pages without TLS, sandboxed frames) every tab sends: the collector counts an event once all the same.
  asking ??= request().catch(() => begin(() => {}));
}

/** Sends soon, or asks to. @param isFresh something changed that makes a new try worth while, such as being online again */
export function wake(delayMs = GATHER_MS, isFresh?: boolean): void {
  if (isFresh) notBefore = 0;
  if (!release) return lead();
  if (timer && delayMs) return;
  clearTimeout(timer);
  timer = setTimeout(() => void run(), Math.max(delayMs, notBefore - Date.now()));
}

/** Lets another tab send. A page that holds a lock could not be kept for the back button either. */
export function stop(): void {
  isWanted = false;
  release?.();
  release = undefined;
}

/** Sends everything there is, until it is acknowledged or has to wait. */
export function run(): Promise<void> {
  timer = undefined;
  return (running ??= sendAll().finally(() => {
    running = undefined;
    // Some systems put a page in the background to sleep, together with the lock it holds.
    if (document.hidden) stop();
    else if (notBefore > Date.now()) wake();
  }));
}

const unsent = () => queued().filter(({ event }) => !inFlight.has(event.id));

async function sendAll(): Promise<void> {
  await loadQueue();
  while (release && Date.now() >= notBefore && unsent().length) {
    await shelve(unsent().filter(number));
    await sendBatch();
  }
}

/** Sends what is unsent in the tick in which the page is left. What another tab has to number waits in the journal. */
export function leave(): void {
  if (release) {
    unsent().filter(number).forEach(writeJournal);
    void sendBatch();
  }
  stop();
}

/** Gives an event the next number, 1, 2, 3 … per visitor. @returns whether it had none */
function number({ visitorId: owner, event }: Queued): boolean {
  if (event.seq) return false;
  const name = `seq:${owner}`;
  event.seq = 1 + +readText(name)!;
  writeText(name, `${event.seq}`);
  return true;
}

/** Sends the first events that have a number: a batch is of one visitor. */
async function sendBatch(): Promise<void> {
  const items = unsent().filter(({ event }) => event.seq);
  const owner = items[0]?.visitorId;
  if (!owner) return;
  const events = items
    .filter((item) => item.visitorId === owner)
    .slice(0, size)
    .map(({ event }) => event);
  const ids = events.map(({ id }) => id);
  ids.forEach((id) => inFlight.add(id));
  const sender = { visitorId: owner, ...(owner === visitorId && user) };
  await settle(await post({ ...sender, sentAt: Date.now(), rules: rules().version, events }), owner, ids);
  ids.forEach((id) => inFlight.delete(id));
}

async function settle({ status, answer, retryAfterMs }: Reply, owner: string, ids: string[]): Promise<void> {
  let removal: Promise<void> | undefined;
  const isRefused = status === 403;
  // What is too large even alone is dropped like what cannot be read.
  const isDropped = status === 400 || (status === 413 && !ids[1]);
  if (status === 413) size = ids.length >> 1;
  // A success that is not ours, such as the page of a captive portal, acknowledges nothing.
  const isStored = status === 200 && answer?.visitor;
  if (isStored || isDropped) {
    failures = 0;
    size = BATCH_EVENTS;
    if (isStored) adoptAnswer(owner, answer, ids);
    // The facts hold them by now: from here on only a crash can send them again, which does no harm.
    removal = removeQueued(ids);
    for (const { id, reason, expected } of answer?.rejected ?? []) report({ reason, message: expected, events: [id] });
  } else if (status !== 413) {
    const backoffMs = Math.random() * Math.min(MAX_BACKOFF_MS, 1000 * 2 ** failures++);
    notBefore = Date.now() + (isRefused ? REFUSED_MS : retryAfterMs || backoffMs);
  }
  if (isDropped || isRefused) report({ reason: `${status}`, message: answer?.error, events: ids });
  publish();
  await removal;
}

function report(error: StagetagError): void {
  warn(error);
  tell('error', error);
}
