/** Orders that were told more than once: an event counts for a signal unless another stands for its transaction. */
import { AUTOMATIC_EVENTS, isRepeated } from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import type { Person, View } from '../projection/view.js';

/** Tells by person and signal when events were that carry the signal and do not count for it. */
export type Repeats = Map<Person, Map<string, Set<number>>>;

/** Those that may name a transaction: not what browsers tell by themselves. */
async function mayRepeat({ store, site }: View, asked: string[]): Promise<string[]> {
  const { signals } = timelineOf(await store.rules(site.siteKey)).current;
  const automatic = new Set<string>(AUTOMATIC_EVENTS);
  return asked.filter((signal) => !signals[signal]?.event?.every((name) => automatic.has(name)));
}

/**
 * Finds them. Few have any: those of whom more events carry a signal than facts count. Theirs are read from the store.
 * @param asked signals that are looked for
 */
export async function findRepeats(view: View, asked: string[]): Promise<Repeats> {
  const found: Repeats = new Map();
  const signals = await mayRepeat(view, asked);
  if (!signals.length) return found;
  const suspects: Person[] = [];
  const carried = signals.map(() => 0);
  const placesOf = (names: string[]) => signals.flatMap((signal, place) => (names.includes(signal) ? [place] : []));
  const of = ({ signals: names }: { signals: string[] }) => {
    const places = placesOf(names);
    return places.length ? places : undefined;
  };
  await view.eachDeeds({ from: 0, until: Infinity }, of, (person, deeds) => {
    if (deeds.length < 2) return;
    carried.fill(0);
    for (const deed of deeds) for (const place of deed.of) carried[place]!++;
    const counted = (signal: string) => view.counted(person, signal).reduce((sum, { count }) => sum + count, 0);
    if (signals.some((signal, place) => carried[place]! > 1 && carried[place]! > counted(signal)))
      suspects.push(person);
  });
  const { store, site } = view;
  for (const person of suspects) {
    const record = await store.visitor(site.siteKey, view.idOf(person));
    if (!record) continue; // Erased by now.
    const { visitorId, isPerson, facts } = record;
    const bySignal = new Map(signals.map((signal) => [signal, new Set<number>()]));
    for (const each of isPerson ? await store.visitorsOfPerson(site.siteKey, visitorId) : [visitorId])
      for await (const { event } of store.events(site.siteKey, { visitorId: each }))
        for (const [signal, times] of bySignal) if (isRepeated(facts, event, signal)) times.add(event.time);
    found.set(person, bySignal);
  }
  return found;
}
