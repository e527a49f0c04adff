/** Everybody whom reports count: visitors who are nobody's, and users who were proven, each once. Bots are left out. */
import { isBot, type RemoteStore, type VisitorRecord } from '../store/store.js';

const PAGE = 500;

/** Reads page by page, and lets others have their turn between. */
async function* pages<T, A>(read: (after: A | undefined) => Promise<T[]>, placeOf: (last: T) => A): AsyncGenerator<T> {
  for (let after: A | undefined; ;) {
    const page = await read(after);
    yield* page;
    if (page.length < PAGE) return;
    after = placeOf(page.at(-1)!);
    await new Promise(setImmediate);
  }
}

export interface People {
  /** Whose doing a visitor's is: its own, a person's, or nobody's who counts. */
  personOf(visitorId: string): string | undefined;
}

/** Goes over everybody once. @param visit called with the record of each */
export async function readPeople(
  store: RemoteStore,
  siteKey: string,
  visit?: (record: VisitorRecord) => void,
): Promise<People> {
  /** Visitors who are a person's, or whom reports leave out. */
  const others = new Map<string, string | undefined>();
  const all = pages(
    (after: string | undefined) => store.everyVisitor(siteKey, after, PAGE),
    ({ visitorId }) => visitorId,
  );
  for await (const record of all) {
    if (isBot(record.bot)) others.set(record.visitorId, undefined);
    else if (record.personId) others.set(record.visitorId, record.personId);
    else if (record.bot) others.set(record.visitorId, undefined);
    else visit?.(record);
  }
  const bots = new Set([...others].filter(([, owner]) => owner === undefined).map(([id]) => id));
  return {
    personOf(visitorId) {
      const owner = others.has(visitorId) ? others.get(visitorId) : visitorId;
      return owner !== undefined && bots.has(owner) ? undefined : owner;
    },
  };
}
