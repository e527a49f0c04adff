/** What every store must do, in the words of its interface alone. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { foldInto } from '../../collector/ingest/fold.js';
import { inForce, timelineOf } from '../../collector/ingest/timeline.js';
import { addSite } from '../../collector/site.js';
import type { Append, EventFilter, Site, Store, StoredEvent } from '../../collector/store/store.js';
import { DAY_MS, type StagetagEvent } from '../../sdk/core/index.js';
import { makeEvent, newId, NOW, temporaryFolder } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';

/** @param open opens the store that is kept in a folder; what was committed is there when it is opened again */
export function describeStore(name: string, open: (folder: string) => Store): void {
  async function makeStore(folder = temporaryFolder()) {
    const store = open(folder);
    let isClosed = false;
    const close = async () => {
      if (!isClosed) await store.close();
      isClosed = true;
    };
    onTestFinished(close);
    const site = (await store.sites())[0] ?? (await addSite(store, { name: 'S', origins: ['https://a.example'] }, NOW));
    if (typeof site === 'string') throw new Error(site);
    const { siteKey } = site;
    const timeline = timelineOf(await store.rules(siteKey));
    const append = (visitorId: string, events: StagetagEvent[], more: Partial<Append> & Partial<StoredEvent> = {}) => {
      const { receivedAt = NOW, bot = null, isProven = false, traits, ...rest } = more;
      return store.append({
        siteKey,
        visitorId,
        ...inForce(timeline),
        events: events.map((event) => ({ event, receivedAt, bot, isProven, ...(traits && { traits }) })),
        deadLetters: [],
        foldOf: (id) => foldInto(id, timeline, NOW),
        ...rest,
      });
    };
    const ids = async (filter = {}) => {
      const found: string[] = [];
      for await (const { event } of store.events(siteKey, filter)) found.push(event.id);
      return found;
    };
    return { store, site, siteKey, timeline, append, ids, close, folder };
  }

  describe(name, () => {
    test('keeps sites, their settings, and every version of their rules that decides', async () => {
      const { store, siteKey, site } = await makeStore();
      expect(await store.sites()).toEqual([site]);
      expect(await store.site('st_nobody')).toBeUndefined();
      await store.updateSite(siteKey, { name: 'T', internal: ['203.0.113.7'], retentionDays: 90 });
      expect(await store.site(siteKey)).toMatchObject({ name: 'T', internal: ['203.0.113.7'], retentionDays: 90 });
      const { rules } = (await store.rules(siteKey))[0]!;
      expect(await store.publishRules(siteKey, rules, { publishedAt: NOW, since: NOW })).toBe(2);
      expect((await store.rules(siteKey)).map(({ since }) => since)).toEqual([0, NOW]);
      // One that replays everything makes those before it irrelevant.
      expect(await store.publishRules(siteKey, rules, { publishedAt: NOW, since: 0 })).toBe(3);
      expect((await store.rules(siteKey)).map((each) => each.rules.version)).toEqual([3]);
      expect((await store.site(siteKey))!.rulesVersion).toBe(3);
    });

    test('stores an event once in its site, whoever sends it again, and not less in another', async () => {
      const { store, siteKey, append, ids } = await makeStore();
      const [ada, ben] = [newId(), newId()];
      const [first, second] = [makeEvent('page_view'), makeEvent('page_view')];
      expect(await append(ada, [first, first, second])).toMatchObject({ accepted: 2, duplicates: 1 });
      expect(await append(ada, [second])).toMatchObject({ accepted: 0, duplicates: 1, record: { events: 2 } });
      expect(await append(ben, [first])).toMatchObject({ accepted: 0, duplicates: 1, record: undefined });
      expect((await ids()).sort()).toEqual([first.id, second.id].sort());
      const other = await addSite(store, { name: 'O', origins: ['https://o.example'] }, NOW);
      if (typeof other === 'string') throw new Error(other);
      expect(await append(ada, [first], { siteKey: other.siteKey })).toMatchObject({ accepted: 1 });
      expect(await store.visitor(siteKey, ben)).toBeUndefined();
    });

    test('has on disk what it acknowledged', async () => {
      const { append, close, folder } = await makeStore();
      const visitorId = newId();
      const { record } = await append(visitorId, [makeEvent('purchase')], { traits: { plan: 'pro' } });
      await close();
      const again = await makeStore(folder);
      expect(await again.store.visitor(again.siteKey, visitorId)).toEqual(record);
      expect(await again.store.latestEvents(again.siteKey, visitorId, 9)).toMatchObject([{ traits: { plan: 'pro' } }]);
    });

    test('keeps nothing of a write that fails, and all of those beside it', async () => {
      const { store, siteKey, append } = await makeStore();
      const [good, bad] = [newId(), newId()];
      const fail = () => {
        throw new Error('cannot be folded');
      };
      const outcomes = await Promise.allSettled([
        append(good, [makeEvent('page_view')]),
        append(bad, [makeEvent('page_view')], { foldOf: () => fail }),
        append(good, [makeEvent('page_view')]),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await store.visitor(siteKey, good)).toMatchObject({ events: 2 });
      expect(await store.latestEvents(siteKey, bad, 9)).toEqual([]);
    });

    test('gives events out by time, name, visitor and proof', async () => {
      const { append, ids: found } = await makeStore();
      const [ada, ben] = [newId(), newId()];
      const events = Array.from({ length: 6 }, (_, index) =>
        makeEvent(index % 2 ? 'purchase' : 'page_view', { id: newId(NOW + index), time: NOW - index * 1000 }),
      );
      await append(ben, events.slice(3), { isProven: true });
      await append(ada, events.slice(0, 3));
      const named = (...indexes: number[]) => indexes.map((index) => events[index]!.id).sort();
      const ids = async (filter = {}) => (await found(filter)).sort();
      expect(await ids()).toEqual(named(0, 1, 2, 3, 4, 5));
      expect(await ids({ from: NOW - 2000, until: NOW })).toEqual(named(1, 2));
      expect(await ids({ name: 'purchase' })).toEqual(named(1, 3, 5));
      expect(await ids({ visitorId: ben, isProven: true })).toEqual(named(3, 4, 5));
      expect(await ids({ visitorId: ada, isProven: true })).toEqual([]);
    });

    test.each([1, 2, 3])('gives back every event as it was sent, whatever of it came again (seed %i)', async (seed) => {
      const { store, siteKey, timeline, append } = await makeStore();
      const random = seeded(seed);
      const chance = (share: number) => random() < share;
      const [ada, ben] = [newId(), newId()];
      /** What must be stored, by id. */
      const stored = new Map<string, StoredEvent & { visitorId: string }>();
      const known: StagetagEvent[] = [];
      for (let batch = 0; batch < 60; batch++) {
        const visitorId = chance(0.5) ? ada : ben;
        const isProven = chance(0.2);
        const bot = !isProven && chance(0.1) ? 'crawler' : null;
        const receivedAt = NOW + batch;
        let last: StagetagEvent | undefined;
        const events = Array.from({ length: 1 + Math.floor(random() * (chance(0.1) ? 130 : 12)) }, () => {
          if (known.length && chance(0.2)) return known[Math.floor(random() * known.length)]!;
          const own = {
            name: chance(0.6) ? 'page_view' : 'purchase',
            time: NOW - Math.floor(random() * 40 * DAY_MS),
            url: `https://a.example/${Math.floor(random() * 3)}`,
            ...(chance(0.3) && { title: 'T' }),
            ...(chance(0.3) && { props: { value: 1, coupon: null, list: [1, { a: null }] } }),
            ...(chance(0.1) && { toString: 'own', constructor: null }),
            ...(chance(0.1) && (JSON.parse('{"__proto__": {"a": 1}, "hasOwnProperty": 1}') as object)),
          };
          last = { ...(chance(0.5) ? last : undefined), ...makeEvent(own.name), ...own };
          known.push(last);
          return last;
        });
        const traits = chance(0.3) ? { batch } : undefined;
        const offered = events.map((event) => (chance(0.1) ? { ...event, id: event.id.toUpperCase() } : event));
        const outcome = await append(visitorId, offered, { receivedAt, bot, isProven, ...(traits && { traits }) });
        let accepted = 0;
        for (const event of offered) {
          const id = event.id.toLowerCase();
          const before = stored.get(id);
          const next = { event, receivedAt, bot, visitorId, ...(isProven && { isProven }), ...(traits && { traits }) };
          if (!before) {
            stored.set(id, next);
            accepted++;
          } else if (before.visitorId === visitorId) {
            // Of two that one event sets the greater holds, whichever came first.
            const isGreater = !before.traits || (traits && JSON.stringify(traits) > JSON.stringify(before.traits));
            const wasSet = isGreater ? traits : before.traits;
            if (isProven && !before.isProven)
              stored.set(id, { ...before, ...next, receivedAt: before.receivedAt, traits: traits ?? before.traits! });
            else if (isProven || !before.isProven) stored.set(id, { ...before, ...(wasSet && { traits: wasSet }) });
          }
        }
        expect(outcome).toMatchObject({ accepted, duplicates: offered.length - accepted });
      }

      const check = async (filter: EventFilter, fits: (each: StoredEvent & { visitorId: string }) => boolean) => {
        const found = new Map<string, StoredEvent>();
        for await (const each of store.events(siteKey, filter)) found.set(each.event.id.toLowerCase(), each);
        const wanted = [...stored].filter(([, each]) => fits(each));
        expect([...found.keys()].sort()).toEqual(wanted.map(([id]) => id).sort());
        for (const [id, each] of wanted) {
          expect(found.get(id)).toEqual(each);
          expect(Object.keys(found.get(id)!.event).sort()).toEqual(Object.keys(each.event).sort());
        }
      };
      await check({}, () => true);
      await check({ visitorId: ada }, (each) => each.visitorId === ada);
      await check({ visitorId: ben, isProven: true }, (each) => each.visitorId === ben && !!each.isProven);
      const [from, until] = [NOW - 20 * DAY_MS, NOW - 10 * DAY_MS];
      const isBetween = ({ event }: StoredEvent) => event.time >= from && event.time < until;
      await check({ from, until, name: 'purchase' }, (each) => isBetween(each) && each.event.name === 'purchase');
      const latest = [...stored.values()]
        .filter((each) => each.visitorId === ada)
        .map(({ event }) => ({ time: event.time, id: event.id.toLowerCase() }))
        .sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
      for (const limit of [1, 7, 1000])
        expect((await store.latestEvents(siteKey, ada, limit)).map(({ event }) => event.id.toLowerCase())).toEqual(
          latest.slice(-limit).map(({ id }) => id),
        );
      const views = () =>
        [...stored.values()].filter((each) => each.event.name === 'page_view' && each.bot === null && isBetween(each))
          .length;
      // Days of a time zone begin on a quarter hour.
      expect(NOW % 900_000).toBe(0);
      expect(await store.pageViews(siteKey, from, until)).toBe(views());

      const firstKept = Math.floor(NOW / DAY_MS) - 15;
      const isOld = (each: StoredEvent) => each.event.time < firstKept * DAY_MS;
      const old = [...stored].filter(([, each]) => isOld(each));
      expect(await store.expireEvents(siteKey, firstKept)).toBe(old.length);
      for (const [id] of old) stored.delete(id);
      await check({}, () => true);
      const ofBen = [...stored].filter(([, each]) => each.visitorId === ben);
      const erased = await store.erase(siteKey, ben, NOW, {
        ...inForce(timeline),
        foldOf: (id) => foldInto(id, timeline, NOW),
      });
      expect(erased.events).toBe(ofBen.length);
      for (const [id] of ofBen) stored.delete(id);
      await check({}, () => true);
    });

    test('reads a long list while it is written to', async () => {
      const { append, ids } = await makeStore();
      for (let visitor = 0; visitor < 6; visitor++)
        await append(
          newId(),
          Array.from({ length: 450 }, () => makeEvent('page_view')),
        );
      const [read] = await Promise.all([ids(), append(newId(), [makeEvent('page_view')])]);
      expect(new Set(read).size).toBe(read.length);
      expect([2700, 2701]).toContain(read.length);
    });

    test('gives out all visitors, transitions and sessions, piece by piece and each once', async () => {
      const { store, siteKey, append } = await makeStore();
      const ids = Array.from({ length: 7 }, (_, index) => newId(NOW - index * 1000));
      for (const id of ids)
        await append(id, [
          makeEvent('page_view', { sessionId: 'a' }),
          makeEvent('purchase', { sessionId: 'b', time: NOW - 5, props: { value: 1 } }),
        ]);
      const visitors: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await store.everyVisitor(siteKey, after, 3);
        visitors.push(...page.map(({ visitorId }) => visitorId));
        if (page.length < 3) break;
        after = page.at(-1)!.visitorId;
      }
      expect(visitors).toEqual([...ids].sort());
      const transitions: Array<[string, string | null]> = [];
      for (let after = 0; ;) {
        const page = await store.everyTransition(siteKey, after, 4);
        transitions.push(...page.map(({ visitorId, to }): [string, string | null] => [visitorId, to]));
        expect(page.every(({ kind, id }) => kind === 'event' && id > after)).toBe(true);
        if (page.length < 4) break;
        after = page.at(-1)!.id;
      }
      expect(
        transitions
          .filter(([, to]) => to === 'action')
          .map(([id]) => id)
          .sort(),
      ).toEqual([...ids].sort());
      const sessions: string[] = [];
      for (let after: Parameters<Store['everySession']>[1]; ;) {
        const page = await store.everySession(siteKey, after, 4);
        sessions.push(...page.map(({ visitorId, sessionId }) => `${visitorId} ${sessionId}`));
        if (page.length < 4) break;
        after = page.at(-1);
      }
      expect(sessions).toEqual([...ids].sort().flatMap((id) => [`${id} a`, `${id} b`]));
    });

    test('keeps every version of the rules with its author and note, publishes after the one that is meant, and holds a draft', async () => {
      const { store, siteKey } = await makeStore();
      const { rules } = (await store.rules(siteKey))[0]!;
      const more = { publishedAt: NOW, since: 0, author: 'Ada', note: 'why' };
      expect(await store.publishRules(siteKey, { ...rules, name: 'second' }, { ...more, after: 1 })).toBe(2);
      expect(await store.publishRules(siteKey, rules, { ...more, after: 1 })).toBeUndefined();
      expect(await store.ruleVersions(siteKey)).toMatchObject([
        { version: 2, name: 'second', author: 'Ada', note: 'why', since: 0 },
        { version: 1, name: 'general', author: null, note: null },
      ]);
      expect(await store.ruleVersion(siteKey, 1)).toEqual({ ...rules, version: 1 });
      expect(await store.ruleVersion(siteKey, 3)).toBeUndefined();

      expect(await store.draft(siteKey)).toBeUndefined();
      await store.saveDraft(siteKey, { rules: { a: 1 }, author: null, savedAt: NOW });
      await store.publishRules(siteKey, rules, more);
      await store.saveDraft(siteKey, { rules: { a: 2 }, author: 'Ada', savedAt: NOW + 1 });
      // Begun on the second version, whatever was published since.
      expect(await store.draft(siteKey)).toEqual({ rules: { a: 2 }, author: 'Ada', savedAt: NOW + 1, basedOn: 2 });
      await store.saveDraft(siteKey, null);
      expect(await store.draft(siteKey)).toBeUndefined();
    });

    test('erases a visitor whole, and knows it again', async () => {
      const { store, siteKey, append, ids } = await makeStore();
      const [gone, stays] = [newId(), newId()];
      const letter = { siteKey, visitorId: gone, receivedAt: NOW, reason: 'not_json', detail: '', body: 'x' };
      await append(gone, [makeEvent('purchase')], { deadLetters: [letter] });
      await append(stays, [makeEvent('page_view')]);
      const foldOf = () => {
        throw new Error('nothing is left to fold');
      };
      const how = { ...inForce(timelineOf(await store.rules(siteKey))), foldOf };
      expect(await store.erase(siteKey, gone, NOW, how)).toEqual({
        events: 1,
        transitions: 1,
        deadLetters: 1,
      });
      expect(await store.visitor(siteKey, gone)).toBeUndefined();
      expect(await ids({ visitorId: gone })).toEqual([]);
      expect([await store.isForgotten(siteKey, gone), await store.isForgotten(siteKey, stays)]).toEqual([true, false]);
      expect(await append(gone, [makeEvent('page_view')])).toMatchObject({ isForgotten: true, accepted: 0 });
      expect((await store.latest(siteKey)).visitors).toBe(1);
      expect(await store.wipe()).toBe(true);
    });

    test('lists what happened to visitors, and forgets there who was erased', async () => {
      const { store, siteKey, append, timeline } = await makeStore();
      const [ada, ben] = [newId(), newId()];
      const [first, second] = [makeEvent('page_view'), makeEvent('purchase', { props: { value: 1 } })];
      await append(ada, [first]);
      const start = await store.latest(siteKey);
      expect(await store.changesSince(siteKey, start.change)).toEqual({
        upTo: start.change,
        changed: [],
        isSomebodyGone: false,
      });
      await append(ben, [second]);
      await append(ada, [first], { isProven: true });
      const other = await addSite(store, { name: 'O', origins: ['https://o.example'] }, NOW);
      if (typeof other === 'string') throw new Error(other);
      await append(newId(), [makeEvent('page_view')], { siteKey: other.siteKey });
      const found = await store.changesSince(siteKey, start.change);
      const { rowId } = found.changed![0]!;
      expect(found).toMatchObject({
        changed: [
          { visitorId: ben, events: [{ event: { id: second.id } }], isAmended: false },
          { visitorId: ada, isAmended: true },
        ],
        isSomebodyGone: false,
      });
      expect(found.changed![1]).not.toHaveProperty('events');
      expect((await store.changesSince(siteKey, found.upTo)).changed).toEqual([]);
      expect((await store.changesSince(siteKey, '99 00')).changed).toBeUndefined();
      expect((await store.visitorIds(siteKey)).sort()).toEqual([ada, ben].sort());

      // Events by their rows.
      const rows = [];
      const { rowId: last } = await store.latest(siteKey);
      for (let after = 0; after < last;) {
        const page = await store.eventsAfter(siteKey, after, last);
        rows.push(...page.rows);
        after = page.rowId;
      }
      expect(rows.map(({ visitorId, events }) => [visitorId, events.map(({ event }) => event.id)])).toEqual([
        [ada, [first.id]],
        [ben, [second.id]],
      ]);
      expect(rowId).toBe(rows[1]!.rowId);
      expect(await store.eventRows(siteKey, ben)).toEqual([rows[1]]);
      expect((await store.eventsAfter(siteKey, 0, rows[0]!.rowId)).rows).toEqual([rows[0]]);

      const how = { ...inForce(timeline), foldOf: (id: string) => foldInto(id, timeline, NOW) };
      await store.erase(siteKey, ben, NOW, how);
      const after = await store.changesSince(siteKey, start.change);
      expect([after.isSomebodyGone, after.changed!.map(({ visitorId }) => visitorId)]).toEqual([true, [ada]]);
      expect(await store.visitorIds(siteKey)).toEqual([ada]);
    });

    test('caches what can be made again, until somebody is erased or something expires', async () => {
      const { store, siteKey, timeline, append } = await makeStore();
      const [ada, ben] = [newId(), newId()];
      for (const visitorId of [ada, ben]) await append(visitorId, [makeEvent('page_view')]);
      const how = { ...inForce(timeline), foldOf: (id: string) => foldInto(id, timeline, NOW) };
      const made = new TextEncoder().encode('made');
      const cached = async () => Buffer.from((await store.cached(siteKey)) ?? []).toString();
      for (const change of [
        () => store.erase(siteKey, ada, NOW, how),
        () => store.expireEvents(siteKey, Math.floor(NOW / DAY_MS) + 1),
      ]) {
        const stamp = await store.stamp(siteKey);
        await store.cache(siteKey, made, stamp);
        expect(await cached()).toBe('made');
        await change();
        expect(await cached()).toBe('');
        // Of before.
        await store.cache(siteKey, made, stamp);
        expect(await cached()).toBe('');
      }
    });

    test('knows whose facts are of older rules, and whose state is due', async () => {
      const { store, siteKey, append } = await makeStore();
      const visitorId = newId();
      const { record } = await append(visitorId, [makeEvent('page_view')]);
      expect(record!.dueAt).toBeGreaterThan(NOW);
      expect(await store.dueVisitors(record!.dueAt! - 1, 9)).toEqual([]);
      expect(await store.dueVisitors(record!.dueAt!, 9)).toEqual([{ siteKey, visitorId }]);
      expect(await store.dueVisitors(record!.dueAt!, 9, siteKey)).toEqual([{ siteKey, visitorId }]);
      expect(await store.staleVisitors(siteKey, 1, 9)).toEqual([]);
      expect(await store.staleVisitors(siteKey, 2, 9)).toEqual([visitorId]);
      await store.markStale(siteKey);
      expect(await store.staleVisitors(siteKey, 1, 9)).toEqual([visitorId]);
      const job = await store.addJob(siteKey, 1);
      expect(job).toMatchObject({ state: 'running', done: 0, total: 1 });
      expect((await append(visitorId, [])).record).toMatchObject({ rules: 1, events: 1 });
      expect(await store.job(siteKey, job.id)).toMatchObject({ done: 1 });
      expect(await store.runningJobs()).toMatchObject([{ id: job.id }]);
      await store.finishJob(job.id);
      expect([await store.runningJobs(), (await store.job(siteKey, job.id))!.state]).toEqual([[], 'done']);
    });

    test('counts visitors, and tells of the transitions of each', async () => {
      const { store, siteKey, append } = await makeStore();
      const [ada, bot] = [newId(), newId()];
      await append(ada, [makeEvent('page_view', { time: NOW - 2000 }), makeEvent('purchase', { time: NOW - 1000 })]);
      await append(bot, [makeEvent('purchase')], { bot: 'crawler' });
      expect((await store.latest(siteKey)).visitors).toBe(2);
      expect((await store.transitions(siteKey, ada)).map(({ to }) => to)).toEqual(['awareness', 'action']);
      expect(await store.visitors(siteKey, { limit: 9 })).toHaveLength(2);
    });

    test('removes raw events of old days, and keeps what they counted', async () => {
      const { store, siteKey, append, ids } = await makeStore();
      const visitorId = newId();
      const [old, recent] = [makeEvent('purchase', { time: NOW - 40 * DAY_MS }), makeEvent('page_view')];
      const { record } = await append(visitorId, [old, recent]);
      expect(await store.expireEvents(siteKey, Math.floor(NOW / DAY_MS) - 30)).toBe(1);
      expect(await ids()).toEqual([recent.id]);
      expect((await store.visitor(siteKey, visitorId))!.facts).toEqual(record!.facts);
      expect((await store.site(siteKey))!.keptFrom).toBe(Math.floor(NOW / DAY_MS) - 30);
    });

    test('keeps so many letters of each site, and lets those of another or of none push out none of them', async () => {
      const { store, siteKey } = await makeStore();
      const other = (await addSite(store, { name: 'O', origins: ['https://o.example'] }, NOW)) as Site;
      const add = (reason: string, count: number, of: string | null) =>
        Promise.all(
          Array.from({ length: count }, () =>
            store.addDeadLetter({ siteKey: of, receivedAt: NOW, reason, detail: '', body: '' }),
          ),
        );
      const counts = async () => {
        const letters = await store.deadLetters(siteKey, 50_000);
        return ['ours', 'nobody'].map((reason) => letters.filter((letter) => letter.reason === reason).length);
      };
      await add('ours', 150, siteKey);
      await add('nobody', 12_000, null);
      const [ours, nobodys] = await counts();
      expect(ours).toBe(150);
      expect(nobodys).toBeGreaterThan(800);
      expect(nobodys).toBeLessThanOrEqual(1000);
      await add('ours', 11_000, siteKey);
      const all = await counts();
      expect(all[0]).toBeGreaterThan(9800);
      expect(all[0]).toBeLessThanOrEqual(10_000);
      await add('others', 10_200, other.siteKey);
      expect(await counts()).toEqual(all);
    });

    test('keeps letters, pages, users and tokens', async () => {
      const { store, siteKey, timeline, append } = await makeStore();
      await store.addDeadLetter({ siteKey: null, receivedAt: NOW, reason: 'not_json', detail: 'd', body: 'b' });
      expect(await store.deadLetters(siteKey, 9)).toMatchObject([{ reason: 'not_json', body: 'b' }]);
      await store.expireDeadLetters(NOW + 1);
      expect(await store.deadLetters(siteKey, 9)).toEqual([]);

      await store.addPages(siteKey, { day: '2026-11-22', pages: 2 });
      await store.addPages(siteKey, { day: '2026-11-22', pages: 3 });
      await store.setPages(siteKey, [{ day: '2026-11-23', pages: 7 }]);
      expect(await store.pageCounts(siteKey, '2026-11-22', '2026-11-30')).toEqual([
        { day: '2026-11-22', pages: 5 },
        { day: '2026-11-23', pages: 7 },
      ]);

      await store.setCosts(siteKey, [
        { day: '2026-11-22', channel: 'Email', cost: 2.5 },
        { day: '2026-11-22', channel: 'Display', cost: 4 },
        { day: '2026-11-23', channel: 'Email', cost: 1 },
      ]);
      await store.setCosts(siteKey, [{ day: '2026-11-22', channel: 'Email', cost: 3 }]);
      expect(await store.costs(siteKey, '2026-11-21', '2026-11-22')).toEqual([
        { day: '2026-11-22', channel: 'Display', cost: 4 },
        { day: '2026-11-22', channel: 'Email', cost: 3 },
      ]);
      // What is said of a source on a day takes the place of all that was.
      const named = { day: '2026-11-22', channel: 'Email', source: 'letter', campaign: 'may', cost: 2 };
      expect(await store.setCosts(siteKey, [named, { ...named, campaign: 'july' }])).toBe(0);
      expect(await store.setCosts(siteKey, [{ ...named, campaign: 'june' }])).toBe(2);
      expect(await store.costs(siteKey, '2026-11-22', '2026-11-22')).toEqual([
        { day: '2026-11-22', channel: 'Display', cost: 4 },
        { day: '2026-11-22', channel: 'Email', cost: 3 },
        { ...named, campaign: 'june' },
      ]);
      expect(await store.removeCosts(siteKey, { channel: 'Email' }, '2026-11-01', '2026-11-22')).toBe(1);
      expect(await store.setCosts(siteKey, [{ ...named, cost: null }])).toBe(1);
      expect(await store.costs(siteKey, '2026-11-22', '2026-11-23')).toEqual([
        { day: '2026-11-22', channel: 'Display', cost: 4 },
        { day: '2026-11-23', channel: 'Email', cost: 1 },
      ]);

      const audience = { name: 'B', when: { stage: ['action'] }, author: 'Ada', savedAt: NOW, people: null };
      const id = (await store.saveAudience(siteKey, audience)) as number;
      const [ann, bob] = [newId(), newId()];
      const other = (await store.saveAudience(siteKey, { ...audience, name: 'A', people: 2 }, [ann, bob])) as number;
      expect((await store.audienceMembers(siteKey, other)).sort()).toEqual([ann, bob].sort());
      await store.erase(siteKey, ann, NOW, { ...inForce(timeline), foldOf: (id) => foldInto(id, timeline, NOW) });
      expect(await store.audienceMembers(siteKey, other)).toEqual([bob]);
      expect(await store.saveAudience(siteKey, { ...audience, name: 'C' }, [], id)).toBe(id);
      expect(await store.saveAudience(siteKey, audience, [], 999)).toBeUndefined();
      // Of two who change the same one the second is told of the first.
      const known = { ...audience, name: 'C', id };
      const both = ['C', 'D'].map((name) =>
        store.saveAudience(siteKey, { ...known, name, savedAt: NOW + 1 }, [bob], id, NOW),
      );
      expect(await Promise.all(both)).toEqual([id, { ...known, savedAt: NOW + 1 }]);
      await store.saveAudience(siteKey, known, [], id, NOW + 1);
      expect((await store.audiences(siteKey)).map(({ people }) => people)).toEqual([2, null]);
      expect((await store.audiences(siteKey)).map(({ name }) => name)).toEqual(['A', 'C']);
      expect([await store.removeAudience(siteKey, other), await store.removeAudience(siteKey, other)]).toEqual([
        true,
        false,
      ]);
      expect(await store.audienceMembers(siteKey, other)).toEqual([]);
      expect(await store.audiences(siteKey)).toEqual([{ ...audience, id, name: 'C', people: null }]);
      // A long list holds nobody up, and is there as a whole or not at all.
      const many = Array.from({ length: 5001 }, newId);
      let isSaved = false;
      const saving = store.saveAudience(siteKey, { ...audience, people: many.length }, many, id);
      void saving.then(() => (isSaved = true));
      await append(newId(), [makeEvent('page_view')]);
      expect([isSaved, await store.audienceMembers(siteKey, id)]).toEqual([false, []]);
      await saving;
      expect((await store.audienceMembers(siteKey, id)).sort()).toEqual([...many].sort());
      expect(await store.saveAudience(siteKey, { ...audience, people: 1 }, [bob], id)).toBe(id);
      expect(await store.audienceMembers(siteKey, id)).toEqual([bob]);

      const note = { day: '2026-11-22', text: 'Sale begins', author: 'Ada', savedAt: NOW };
      const noted = await store.addAnnotation(siteKey, note);
      const before = await store.addAnnotation(siteKey, { ...note, day: '2026-11-02' });
      expect((await store.annotations(siteKey)).map(({ id }) => id)).toEqual([before, noted]);
      expect(await store.removeAnnotation(siteKey, before)).toBe(true);
      expect(await store.removeAnnotation(siteKey, before)).toBe(false);
      expect(await store.annotations(siteKey)).toEqual([{ id: noted, ...note }]);
      const view = { name: 'Leak', address: 'flow?days=90', author: null, savedAt: NOW };
      const viewed = await store.addView(siteKey, view);
      expect(await store.views(siteKey)).toEqual([{ id: viewed, ...view }]);
      expect([await store.removeView(siteKey, viewed), await store.removeView(siteKey, viewed)]).toEqual([true, false]);
      const share = { address: 'board', author: null, savedAt: NOW, expiresAt: NOW + 10 };
      const shared = await store.addShare(siteKey, share, 'shared');
      expect(await store.shares(siteKey, NOW)).toEqual([{ id: shared, ...share }]);
      expect(await store.shares(siteKey, NOW + 10)).toEqual([]);
      expect(await store.siteOfShare('shared', NOW + 9)).toBe(siteKey);
      expect(await store.siteOfShare('shared', NOW + 10)).toBeUndefined();
      expect([await store.removeShare(siteKey, shared), await store.removeShare(siteKey, shared)]).toEqual([
        true,
        false,
      ]);
      expect(await store.siteOfShare('shared', NOW)).toBeUndefined();
      const entry = { at: NOW, who: 'Ada', action: 'changeSite', siteKey, target: null };
      await store.addAudit(entry);
      await store.addAudit({ ...entry, siteKey: null, target: 'Bob' });
      const entries = await store.audit(5);
      expect(entries).toEqual([
        { ...entry, id: entries[0]!.id, siteKey: null, target: 'Bob' },
        { ...entry, id: entries[1]!.id },
      ]);
      expect(await store.audit(5, entries[0]!.id)).toEqual([entries[1]]);

      const user = { name: 'Ada', role: 'editor' as const, createdAt: NOW };
      expect([await store.addUser(user, 'hash'), await store.addUser(user, 'other')]).toEqual([true, false]);
      expect(await store.userOf('hash')).toEqual(user);
      await store.addToken({ hash: 'session', kind: 'session', expiresAt: NOW + 1, user: 'Ada' });
      expect(await store.sessionUser('session', NOW)).toEqual({ name: 'Ada', role: 'editor' });
      expect(await store.sessionUser('session', NOW + 1)).toBeUndefined();
      expect(await store.removeUser('Ada')).toBe(true);
      expect(await store.sessionUser('session', NOW)).toBeUndefined();
      await store.addToken({ hash: 'link', kind: 'link', expiresAt: NOW + 1 });
      expect([await store.takeToken('link', 'link', NOW), await store.takeToken('link', 'link', NOW)]).toEqual([
        true,
        false,
      ]);
      const [first, second] = ['{"kid":"one"}', '{"kid":"two"}'];
      expect(await store.signingKey()).toBeUndefined();
      expect([await store.signingKey(first), await store.signingKey(second)]).toEqual([first, first]);
    });
  });
}
