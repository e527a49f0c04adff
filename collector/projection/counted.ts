/** What facts count, day by day, as reports ask for it. Days are UTC days, as facts have them. */
import { countedFacts, dayOf, mergeKeys, parseDay, sourcesOf, type Facts } from '../../sdk/core/index.js';

/** What a signal counts on a day. */
export interface CountedDay {
  day: number;
  /** Events. */
  count: number;
  /** What they add up to, in units; a key counts once, on the day of its first event. */
  units: number;
  /** The same with a key counted on each of its days. */
  daily: number;
}

/** The days on which any signal was counted, each once. */
export const activeDays = (facts: Facts): number[] => [
  ...new Set(
    sourcesOf(facts).flatMap(({ signals }) =>
      Object.values(signals).flatMap((byDay) => Object.keys(byDay).map(parseDay)),
    ),
  ),
];

/** The days of each signal, ascending. */
export function countedDays(facts: Facts): Array<[signal: string, days: CountedDay[]]> {
  const counted = countedFacts(facts);
  return Object.entries(counted.signals).map(([signal, byDay]): [string, CountedDay[]] => {
    const firsts = new Map<number, number>();
    const keysByDay = counted.keys[signal] ?? {};
    for (const [time, , units] of Object.values(
      Object.values(keysByDay).reduce((all, keys) => mergeKeys(all, keys), {}),
    ))
      firsts.set(dayOf(time), (firsts.get(dayOf(time)) ?? 0) + units);
    const days = Object.entries(byDay).map(([text, count]) => {
      const [day, sum] = [parseDay(text), counted.values[signal]?.[text] ?? 0];
      const keyed = Object.values(keysByDay[text] ?? {}).reduce((all, [, , units]) => all + units, 0);
      return { day, count, units: sum + (firsts.get(day) ?? 0), daily: sum + keyed };
    });
    return [signal, days.sort((a, b) => a.day - b.day)];
  });
}
