/** Sending: one tab at a time numbers the events, sends them in batches, and takes them out when they are acknowledged. */
import { adoptAnswer, rules } from '../model.js';
import { dequeue, queued, type Queued } from '../queue.js';
import { publish, tell } from '../expose/publish.js';
import { KEEPALIVE_CHARS, post, TIMEOUT_MS } from './transport.js';
import { later } from '../record.js';
import { guard, settings } from '../settings.js';
import { readJson, stringify, writeJson } from '../storage.js';
import { who } from '../identity.js';
import { number, trimQueue } from './numbering.js';
import { reset } from '../start.js';

/** Events of one moment travel together. */
const GATHER_MS = 250;
const MAX_BACKOFF_MS = 60_000;
const REFUSED_MS = 3_600_000;

/** Ends this tab's turn to send; there while it has it. */
let release: (() => void) | undefined;
let running: Promise<void> | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
/** When it ends, epoch ms. */
let timerAt = Infinity;
let failures = 0;
let notBefore = 0;
/** Characters a batch may have: less where the collector, or what stands before it, takes less. */
let room = KEEPALIVE_CHARS;

/** Sends what there is, and from now on what comes. */
export function startSender(): void {
  Object.assign(later, { wake, run, leave });
  wake();
}

/** Not before the collector's own wish, which holds for every page and for no longer than an hour. */
function dueAt(): number {
  const asked = readJson<number>('wait')!;
  return Math.max(notBefore, asked < Date.now() + 4_000_000 ? asked : 0);
}

/** Sends soon. @param at when, epoch ms @param isFresh something changed that makes a new try worth while, such as being online again */
function wake(at = Date.now() + GATHER_MS, isFresh?: boolean): void {
  if (isFresh) notBefore = 0;
  trimQueue(); // Here, and not only before sending: the collector may have asked to wait for an hour.
  const due = Math.max(at, dueAt());
  if (timerAt <= due) return;
  clearTimeout(timer);
  timerAt = due;
  timer = setTimeout(guard(run), due - Date.now());
}

/** Sends everything there is, of all tabs, until it is acknowledged or has to wait. */
function run(): Promise<void> {
  timerAt = Infinity;
  return (running ??= takeTurn().finally(
    guard(() => {
      running = undefined;
      // What is on its way may come back; what could not be sent is tried again a little later.
      if (queued()[0]) wake(unsent()[0] ? undefined : leased()[0]);
    }),
  ));
}

/** One tab at a time sends. Without locks (pages without TLS, sandboxed frames) each does, and the lease keeps them apart. */
async function takeTurn(): Promise<void> {
  const turn = () => Promise.race([sendAll().catch(() => {}), new Promise<void>((resolve) => (release = resolve))]);
  try {
    await navigator.locks.request(settings.siteKey, turn);
  } catch {
    await turn();
  }
}

/** What is on its way, from here or from a page that was left, and until when that is taken for true. */
function leased(): [until: number, ids: string[]] {
  const lease = readJson<[number, string[]]>('lease') ?? [0, []];
  const leftMs = lease[0] - Date.now();
  return lease[1][0] && leftMs > 0 && leftMs <= TIMEOUT_MS ? lease : [0, []];
}

function unsent(): Queued[] {
  const [, ids] = leased();
  return queued().filter(({ event }) => !ids.includes(event.id));
}

async function sendAll(): Promise<void> {
  while (await sendBatch());
}

/** Sends what is unsent, as far as the browser carries it, in the tick in which the page is left. */
function leave(): void {
  for (let batches = 2; batches--;) sendBatch().catch(() => {});
  // Some systems put a page in the background to sleep, together with the lock it holds; and one that holds a lock could not be
  // kept for the back button.
  release?.();
  wake();
}

/** Sends the first events, where there are any and it is time: a batch is of one visitor. Tells whether there may be more. */
async function sendBatch(): Promise<boolean | void> {
  const waiting = unsent();
  const owner = waiting[0]?.visitorId;
  if (!owner || Date.now() < dueAt()) return;
  waiting.forEach(number);
  let items = waiting.filter((item) => item.visitorId === owner);
  let body: string;
  for (;;) {
    body = stringify({
      siteKey: settings.siteKey,
      rules: rules().version,
      sentAt: Date.now(),
      // The latest user; what proved one before still does where nothing was proven again.
      ...(Object.assign({}, ...items.map(({ user }) => user)) as object),
      lost: +readJson<number>(`lost:${owner}`)!,
      sdk: 'js/0.1.0',
      visitorId: owner,
      events: items.map(({ event }) => event),
    });
    if (!items[1] || body.length < room) break;
    items = items.slice(0, items.length >> 1);
  }
  const ids = items.map(({ event }) => event.id);
  const [end, before] = leased();
  writeJson('lease', [end || Date.now() + TIMEOUT_MS, [...before, ...ids]]);
  const [status, after, answer] = await post(body);
  // The visitor may have said no meanwhile: then there is nothing left to be kept.
  if (!who().visitorId) return;
  const [until, leasedIds] = leased();
  writeJson('lease', [until, leasedIds.filter((id) => !ids.includes(id))]);
  const isRefused = status === 403;
  // What is too large even alone is dropped like what cannot be read.
  const isDropped = status === 400 || (status === 413 && !items[1]);
  // A success that is not ours, such as the page of a captive portal, acknowledges nothing.
  const visitor = status === 200 && answer?.visitor;
  if (visitor || isDropped) {
    failures = 0;
    if (visitor) {
      adoptAnswer(owner, answer);
      // Another of the site's domains may have numbered for itself, or this one's storage was lost: what is used is not used again.
      const name = `seq:${owner}`;
      writeJson(name, Math.max(...visitor.have.flat(), readJson<number>(name)!));
    }
    dequeue(queued().filter(({ event }) => ids.includes(event.id)));
    for (const { id, reason, expected } of answer?.rejected ?? []) {
      tell('error', { reason, message: expected, events: [id] });
      // An erased visitor is nobody any more.
      if (reason === 'forgotten' && owner === who().visitorId) reset();
    }
  } else if (status === 413) {
    room /= 2;
  } else {
    // Seconds, or a date.
    const asked = isRefused ? REFUSED_MS : Math.min(REFUSED_MS, +after! * 1000 || Date.parse(after!) - Date.now());
    if (asked > 0) writeJson('wait', Date.now() + asked);
    else notBefore = Date.now() + Math.random() * Math.min(MAX_BACKOFF_MS, 1000 * 2 ** failures++);
  }
  if (isDropped || isRefused) tell('error', { reason: `${status}`, message: answer?.error, events: ids });
  publish();
  return true;
}
