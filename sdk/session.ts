import { isReturn } from './returns.js';
import { uuidV7 } from './uuid.js';
import { readJson, writeJson } from './storage.js';

/** GA4's default. */
const SESSION_GAP_MS = 30 * 60_000;

/** Whether this page has recorded nothing yet. */
let isFirst = true;

/**
 * Names the session that an event at this time belongs to, and says whether it is new: so after more than 30 minutes without
 * an event, save where the visitor comes back from a payment or a sign-in. Tabs share it, since they share the storage.
 */
export function touchSession(time: number): [id: string, isNew: boolean] {
  const [known, last = 0] = readJson<[id: string, last: number]>('session') ?? [];
  const isNew = !known || !(Math.abs(time - last) <= SESSION_GAP_MS || (isFirst && isReturn()));
  const id = isNew ? uuidV7(time) : known;
  isFirst = false;
  writeJson('session', [id, time]);
  return [id, isNew];
}
