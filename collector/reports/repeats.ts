/** Orders that were told more than once: an event counts for a signal unless another stands for its transaction. */
import { AUTOMATIC_EVENTS, isRepeated } from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import type { Person, View } from '../projection/view.js';

/** Tells by person and signal when events were that carry the signal and do not count for it, with how many there were at that moment. */
export type Repeats = Map<Person, Map<string, Map<number, number>>>;

/** Goes over somebody's events that carry a signal: of those of one moment so many are left out as do not count. */
export function countingOnly(repeated: ReadonlyMap<number, number> | undefined): (time: number) => boolean {
  if (!repeated?.size) return () => true;
  const left = new Map(repeated);
  return (time) => {
    const more = left.get(time) ?? 0;
    if (more) left.set(time, more - 1);
    return !more;
  };
}

/** Those that may name a transaction: not what browsers tell by themselves, but for pages, which may be told by hand. */
async function mayRepeat({ store, site }: View, asked: string[]): Promise<string[]> {
  const { signals } = timelineOf(await store.rules(site.siteKey)).current;
  const automatic = new Set<string>(AUTOMATIC_EVENTS.filter((name) => name !== 'page_view'));
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
    const bySignal = new Map(signals.map((signal) => [signal, new Map<number, number>()]));
    for (const each of isPerson ? await store.visitorsOfPerson(site.siteKey, visitorId) : [visitorId])
      for await (const { event } of store.events(site.siteKey, { visitorId: each }))
        for (const [signal, times] of bySignal)
          if (isRepeated(facts, event, signal)) times.set(event.time, (times.get(event.time) ?? 0) + 1);
    found.set(person, bySignal);
  }
  return found;
}
