/**
 * What the second file uses of the first. The first knows and remembers: who the visitor is, what happened, which stage follows.
 * The second sends what is remembered, and captures what can wait. So a page that is left before the second is here loses nothing.
 */
import { publish, tell } from './expose/publish.js';
import { who } from './identity.js';
import { isOpen } from './consent.js';
import { decode } from './core/index.js';
import { mask } from './mask.js';
import { adoptAnswer, isStored, rules } from './model.js';
import { dequeue, enqueue, queued } from './queue.js';
import { address, arrivals, attributeOf, closestOf, farewells, later, on, recordCaptured } from './record.js';
import { hasHost } from './takeLink.js';
import { guard, ourName, settings } from './settings.js';
import { readJson, readText, stringify, writeJson, writeText } from './storage.js';

export const makeTools = (has: (word: string) => boolean) => ({
  isWanted: has,
  given: settings,
  guard,
  ourName,
  readText,
  writeText,
  readJson,
  writeJson,
  toJson: stringify,
  who,
  rulesNow: rules,
  queued,
  enqueue,
  dequeue,
  isStored,
  adoptAnswer,
  publish,
  tell,
  later,
  listen: on,
  farewells,
  arrivals,
  addressNow: address,
  closestOf,
  attributeOf,
  masked: mask,
  hasHost,
  isOpen,
  decoded: decode,
  recordCaptured,
});
export type Tools = ReturnType<typeof makeTools>;
