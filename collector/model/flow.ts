/** Journeys that are no line: from where to where, how fast, and how long somebody stays. */

/** Share of the leavings of each state that went to each other; `null` is nowhere. */
export function transitionShares<M extends { from: unknown; to: unknown; count: number }>(
  moves: M[],
): Array<M & { share: number }> {
  const left = new Map<unknown, number>();
  for (const { from, count } of moves) left.set(from, (left.get(from) ?? 0) + count);
  return moves.map((move) => ({ ...move, share: move.count / left.get(move.from)! }));
}

/** A change of where somebody stands; `null` is nowhere. */
export interface Change<T> {
  from: T | null;
  to: T | null;
  at: number;
  /** Whether nothing happened: it only came to be called so. */
  isSilent?: boolean;
}

/** A session is said to begin a millisecond before the event that begins it: what that changes is where somebody comes back to. */
const RETURN_MS = 1;

/**
 * The changes of a journey in which whoever stays away becomes dormant, until the next sign of life; whatever wears off meanwhile is part
 * of the return. Who stood somewhere and stands nowhere any more is dormant too. What is only called otherwise is no change.
 * @param changes by time @param signs times of signs of life, ascending @param after so long without one somebody is dormant
 */
export function withDormancy<T>(
  changes: Array<Change<T>>,
  signs: number[],
  after: number,
  now: number,
): Array<Change<T | 'dormant'>> {
  type Turn = { at: number; isAsleep: boolean } | Change<T>;
  const turns: Turn[] = [];
  for (let index = 0; index < signs.length; index++) {
    const [sleep, next] = [signs[index]! + after, signs[index + 1] ?? Infinity];
    if (sleep >= Math.min(next, now)) continue;
    turns.push({ at: sleep, isAsleep: true });
    if (next < Infinity) turns.push({ at: next, isAsleep: false });
  }
  // At the same time the sign of life comes first.
  const all = turns.length ? [...turns, ...changes].sort((a, b) => a.at - b.at) : changes;
  const journey: Array<Change<T | 'dormant'>> = [];
  let [place, from] = [null as T | null, null as T | 'dormant' | null];
  let [isAsleep, hasStood] = [false, false];
  for (const [index, turn] of all.entries()) {
    const isChange = 'to' in turn;
    if (isChange) place = turn.to;
    else ({ isAsleep } = turn);
    const next = all[index + 1];
    if (!isChange && !isAsleep && next && 'to' in next && !next.isSilent && next.at - turn.at <= RETURN_MS) continue;
    hasStood ||= place !== null;
    const to = hasStood && (isAsleep || place === null) ? 'dormant' : place;
    if (from !== to && !(isChange && turn.isSilent)) journey.push({ from, to, at: turn.at });
    from = to;
  }
  return journey;
}

/** What the sales of a cycle are worth a day: opportunities × value × win rate / days. */
export const salesVelocity = (opportunities: number, value: number, winRate: number, days: number): number =>
  (opportunities * value * winRate) / days;

/** One stay: how long, and whether it ended or was only looked at so long. */
export interface Stay {
  duration: number;
  hasEnded: boolean;
}

/**
 * Median time to an end, with those who have not ended counted as far as they were seen; null where less than half ended.
 * @see Kaplan & Meier 1958
 */
export function medianStay(stays: Stay[]): number | null {
  const [ended, open] = [new Float64Array(stays.length), new Float64Array(stays.length)];
  let [ends, opens] = [0, 0];
  for (const { duration, hasEnded } of stays) {
    if (hasEnded) ended[ends++] = duration;
    else open[opens++] = duration;
  }
  ended.subarray(0, ends).sort();
  open.subarray(0, opens).sort();
  let survival = 1;
  let left = 0;
  for (let index = 0; index < ends; index++) {
    const duration = ended[index]!;
    // Ends come before those only seen so long, at the same time.
    while (left < opens && open[left]! < duration) left++;
    survival *= 1 - 1 / (stays.length - index - left);
    if (survival <= 0.5 + 1e-12) return duration;
  }
  return null;
}

/** Splits ascending times where nothing happened for longer than a gap. */
export function splitSessions(times: number[], gapMs = 30 * 60_000): number[][] {
  const sessions: number[][] = [];
  for (const time of times) {
    const last = sessions.at(-1);
    if (last && time - last.at(-1)! <= gapMs) last.push(time);
    else sessions.push([time]);
  }
  return sessions;
}
