/** The default store: one SQLite file. Writes of many requests share a commit; reads see committed rows alone. */
import type Database from 'better-sqlite3';
import type { Append, Appended, DeadLetter, Job, Role, Store, StoredEvent, User, VisitorRecord } from '../store.js';
import { DAY_MS } from '../../../sdk/core/index.js';
import { EventTable, NO_ID } from './eventTable.js';
import { GroupCommit } from './groupCommit.js';
import { dropKept, openDatabase, takeFolder } from './open.js';
import { SessionTable } from './sessionTable.js';
import { SiteTable } from './siteTable.js';
import { toBlob } from './uuid.js';
import { VisitorTable } from './visitorTable.js';

/** Dead letters kept at most, and the part of each that is kept. */
const MAX_DEAD_LETTERS = 10_000;
const DEAD_LETTER_BYTES = 4096;

/** Visitors that one person may have: more are no browsers of one human being, and each costs the others. */
const MAX_VISITORS = 100;

/** No visitor's id. */
const NOBODY = Buffer.alloc(0);

interface LetterRow {
  received_at: number;
  reason: string;
  detail: string;
  body: string;
}

interface JobRow {
  id: number;
  site_id: number;
  kind: 'recompute';
  rules: number;
  state: Job['state'];
  total: number;
}

/**
 * Opens the store in a folder.
 * @param isAlone whether no other process may serve from this folder until the store is closed; commands work beside one
 * @throws StoreError where the folder or the file in it cannot be used
 */
export function openSqliteStore(folder: string, { isAlone = false } = {}): Store {
  const unlock = isAlone ? takeFolder(folder) : undefined;
  let database: Database.Database;
  try {
    database = openDatabase(folder, isAlone);
  } catch (error) {
    unlock?.();
    throw error;
  }
  const sites = new SiteTable(database);
  const commits = new GroupCommit(database, () => sites.forget());
  const events = new EventTable(database);
  const visitors = new VisitorTable(database);
  const sessions = new SessionTable(database);
  const deadLetters = deadLetterTable(database);
  const jobs = jobTable(database, sites, visitors);
  const tokens = tokenTable(database);
  const users = userTable(database);
  const keys = keyTable(database);
  const tombstones = tombstoneTable(database, sites);
  /** A crash may have come between erasing and wiping. */
  let isWiped = tombstones.areWiped();

  function append(batch: Append): Appended {
    const { siteKey, visitorId, rulesVersion, events: offered, deadLetters: letters, link, foldOf } = batch;
    const site = sites.id(siteKey);
    const visitor = toBlob(visitorId);
    if (tombstones.has(site, visitor)) return { accepted: 0, duplicates: 0, isForgotten: true, record: undefined };
    for (const letter of letters) deadLetters.add(site, letter);
    const before = visitors.get(site, visitor);
    if (before?.isPerson) return { accepted: 0, duplicates: 0, record: foldPerson(site, before, batch) };
    const added: StoredEvent[] = [];
    let isChanged = false;
    for (const event of offered) {
      const outcome = events.add(site, visitor, event);
      if (outcome === 'new') added.push(event);
      else if (outcome === 'changed') isChanged = true;
    }
    const counts = { accepted: added.length, duplicates: offered.length - added.length };
    if (!before && !added.length) return { ...counts, record: undefined };

    const isStale = !!before && (before.rules !== rulesVersion || isChanged);
    const history = isStale ? events.ofVisitor(site, visitor) : undefined;
    const { personId, linkedAt } = linkOf(site, before, batch);
    const keptFrom = sites.keptFrom(site);
    const folded = foldOf(visitorId)({ before, added, history, personId, linkedAt, keptFrom });
    const { record, transitions, past } = folded;
    const wasOf = before?.personId ?? null;
    const left = wasOf && wasOf !== personId ? visitors.get(site, toBlob(wasOf)) : undefined;
    // What the browser was told last was the person's; an answer of a lower number would be out of date.
    if (left) record.rev = Math.max(record.rev, left.rev + 1);
    if (record !== before) visitors.put(site, record);
    for (const transition of transitions) visitors.addTransition(site, visitor, transition);
    for (const part of folded.sessions) sessions.add(site, visitor, part);
    if (left) foldPerson(site, left, batch, { isLinked: true });
    if (!personId) return { ...counts, record };

    const known = visitors.get(site, toBlob(personId));
    const isLinked = personId !== wasOf;
    const isWhole = known?.rules === rulesVersion && !isLinked && !history && record.bot === before?.bot;
    // The visitor as it was before these events, where the person cannot just add them to what it knows.
    const own = isWhole ? undefined : { ...record, facts: past, events: record.events - added.length };
    const userId = link?.personId === personId ? link.userId : (known?.userId ?? record.userId);
    const who = { visitorId: personId, userId };
    // What a bot does is no person's doing.
    const person = foldPerson(site, who, batch, { added: record.bot ? [] : added, own, isLinked });
    return { ...counts, record, person };
  }

  /** Whose visitor it is from now on. */
  function linkOf(
    site: number,
    before: VisitorRecord | undefined,
    { link, linkedAt = 0 }: Append,
  ): { personId: string | null; linkedAt: number } {
    const stays = { personId: before?.personId ?? null, linkedAt: before?.linkedAt ?? 0 };
    // What comes late, or once more, does not undo what was said after it.
    if (link === undefined || linkedAt < stays.linkedAt) return stays;
    if (!link) return { personId: null, linkedAt };
    const { personId } = link;
    const isFull = personId !== stays.personId && visitors.countOfPerson(site, toBlob(personId)) >= MAX_VISITORS;
    return isFull ? stays : { personId, linkedAt };
  }

  /**
   * Folds a change of one of its visitors into a person.
   * @param own that visitor's record, where the person must be added up anew from all of them
   * @returns undefined where no visitor is left: then the person is gone too
   */
  function foldPerson(
    site: number,
    { visitorId: id, userId }: Pick<VisitorRecord, 'visitorId' | 'userId'>,
    batch: Pick<Append, 'rulesVersion' | 'foldOf'>,
    { added = [], own, isLinked }: { added?: StoredEvent[]; own?: VisitorRecord; isLinked?: boolean } = {},
  ): VisitorRecord | undefined {
    const before = visitors.get(site, toBlob(id));
    const isAnew = !!own || isLinked || before?.rules !== batch.rulesVersion;
    const parts = isAnew ? partsOf(site, id, batch, own) : undefined;
    if (parts && !parts.length) {
      visitors.erase(site, toBlob(id));
      return undefined;
    }
    const { record, transitions } = batch.foldOf(id)({ before, added, parts, isLinked });
    const person = { ...record, userId };
    if (record !== before) visitors.put(site, person);
    for (const transition of transitions) visitors.addTransition(site, toBlob(id), transition);
    return person;
  }

  /** A person's visitors, each up to date with the rules. */
  function partsOf(
    site: number,
    personId: string,
    batch: Pick<Append, 'rulesVersion' | 'foldOf'>,
    own?: VisitorRecord,
  ): VisitorRecord[] {
    return visitors.ofPerson(site, toBlob(personId)).map((before) => {
      if (before.visitorId === own?.visitorId) return own;
      if (before.rules === batch.rulesVersion) return before;
      const history = events.ofVisitor(site, toBlob(before.visitorId));
      const { linkedAt } = before;
      const keptFrom = sites.keptFrom(site);
      const change = { before, added: [], history, personId, linkedAt, keptFrom };
      const { record } = batch.foldOf(before.visitorId)(change);
      visitors.put(site, record);
      return record;
    });
  }

  return {
    sites: async () => sites.all(),
    site: async (siteKey) => sites.get(siteKey),
    addSite: (site, rules) => commits.write(() => sites.add(site, rules)),
    rules: async (siteKey) => sites.rules(siteKey),
    updateSite: (siteKey, changes) => commits.write(() => sites.update(siteKey, changes)),
    publishRules: (siteKey, rules, options) => commits.write(() => sites.publish(siteKey, rules, options)),

    append: (batch) => commits.write(() => append(batch)),
    expireEvents: async (siteKey, keptFrom) => {
      const site = sites.id(siteKey);
      // First of all: from here on nobody counts them a second time, whatever of them is still there.
      await commits.write(() => sites.keepFrom(site, keptFrom));
      let removed = 0;
      for (let after: Buffer | undefined = NO_ID; after; await new Promise(setImmediate)) {
        const { last, old } = events.nextBefore(site, after, keptFrom * DAY_MS);
        if (old.length) await commits.write(() => events.remove(site, old));
        removed += old.length;
        after = last;
      }
      return removed;
    },
    addDeadLetter: (letter) =>
      commits.write(() => deadLetters.add(letter.siteKey === null ? null : sites.id(letter.siteKey), letter)),
    expireDeadLetters: (before) => commits.write(() => deadLetters.expire(before)),

    visitor: async (siteKey, visitorId) => visitors.get(sites.id(siteKey), toBlob(visitorId)),
    visitors: async (siteKey, { limit, seenBefore }) => visitors.latest(sites.id(siteKey), limit, seenBefore),
    transitions: async (siteKey, visitorId) => visitors.transitions(sites.id(siteKey), toBlob(visitorId)),
    latestEvents: async (siteKey, visitorId, limit) => events.latest(sites.id(siteKey), toBlob(visitorId), limit),
    events: (siteKey, filter) => events.find(sites.id(siteKey), filter),
    deadLettersOf: async (siteKey, visitorId) => deadLetters.ofVisitor(sites.id(siteKey), visitorId),
    deadLetters: async (siteKey, limit) => deadLetters.latest(sites.id(siteKey), limit),

    visitorsOfPerson: async (siteKey, personId) =>
      visitors.ofPerson(sites.id(siteKey), toBlob(personId)).map(({ visitorId }) => visitorId),
    visitorsOfUser: async (siteKey, userId) => visitors.ofUser(sites.id(siteKey), userId),
    erase: async (siteKey, visitorId, now, rulesVersion, foldOf) => {
      const site = sites.id(siteKey);
      const visitor = toBlob(visitorId);
      isWiped = false;
      return commits.write(() => {
        const { personId } = visitors.get(site, visitor) ?? {};
        const person = personId ? visitors.get(site, toBlob(personId)) : undefined;
        tombstones.add(site, visitor, now);
        sessions.erase(site, visitor);
        const erased = {
          events: events.erase(site, visitor),
          transitions: visitors.erase(site, visitor),
          deadLetters: deadLetters.erase(site, visitor, visitorId),
        };
        if (person) foldPerson(site, person, { rulesVersion, foldOf }, { isLinked: true });
        return erased;
      });
    },
    eraseLetters: async (siteKey, text) => {
      const erased = await commits.write(() => deadLetters.erase(sites.id(siteKey), NOBODY, text));
      if (erased) isWiped = false;
      return erased;
    },
    wipe: async () => {
      if (isWiped) return true;
      // Moving rows about leaves copies in the gaps of pages, which only a new file has not. Until the log is written into it, they
      // stand there; a reader may hold that up, and must not hold up everything else.
      database.pragma('busy_timeout = 0');
      try {
        database.exec('VACUUM');
        tombstones.noteWiped();
        const [{ busy }] = database.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
        isWiped = !busy;
      } catch (error) {
        // Somebody reads, or the disk has no room for a second file just now.
        if (!['SQLITE_BUSY', 'SQLITE_FULL'].includes((error as { code: string }).code)) throw error;
      } finally {
        database.pragma('busy_timeout = 5000');
      }
      return isWiped;
    },
    isForgotten: async (siteKey, visitorId) => tombstones.has(sites.id(siteKey), toBlob(visitorId)),
    backup: async (file, onProgress) => {
      await database.backup(file, {
        progress: ({ totalPages, remainingPages }) => {
          onProgress?.(1 - remainingPages / totalPages);
          return 1000;
        },
      });
    },

    dueVisitors: async (now, limit) =>
      visitors.due(now, limit).map(({ site, visitorId }) => ({ siteKey: sites.keyOf(site), visitorId })),
    markStale: (siteKey) => commits.write(() => visitors.markStale(sites.id(siteKey))),
    staleVisitors: async (siteKey, rules, limit) => visitors.stale(sites.id(siteKey), rules, limit),

    addJob: (siteKey, rules) => commits.write(() => jobs.add(siteKey, rules)),
    job: async (siteKey, id) => jobs.get(siteKey, id),
    runningJobs: async () => jobs.running(),
    finishJob: (id) => commits.write(() => jobs.finish(id)),

    stageCounts: async (siteKey) => visitors.stageCounts(sites.id(siteKey)),
    peakCounts: async (siteKey, until) => visitors.peakCounts(sites.id(siteKey), until),
    transitionCounts: async (siteKey, until) => visitors.transitionCounts(sites.id(siteKey), until),

    sessions: async (siteKey, visitorId, limit) => sessions.ofVisitor(sites.id(siteKey), toBlob(visitorId), limit),
    lossCounts: async (siteKey, from, until) => sessions.losses(sites.id(siteKey), from, until),

    signingKey: (offered) => commits.write(() => keys.get() ?? (offered && keys.add(offered))),
    addToken: (token) => commits.write(() => tokens.add(token)),
    sessionRole: async (hash, now) => tokens.role(hash, now),
    users: async () => users.all(),
    addUser: (user, hash) => commits.write(() => users.add(user, hash)),
    removeUser: (name) => commits.write(() => users.remove(name)),
    userOf: async (hash) => users.byToken(hash),
    takeToken: (hash, kind, now) => commits.write(() => tokens.take(hash, kind, now)),

    dropKept: async (now) => dropKept(folder, now),
    check: async () => {
      database.transaction(() => database.pragma('user_version')).immediate();
    },
    close: async () => {
      commits.commit();
      database.close();
      unlock?.();
    },
  };
}

function deadLetterTable(database: Database.Database) {
  const insert = database.prepare(
    'INSERT INTO dead_letters (site_id, received_at, reason, detail, body, visitor_id) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const trim = database.prepare('DELETE FROM dead_letters WHERE id <= ?');
  const expire = database.prepare('DELETE FROM dead_letters WHERE received_at < ?');
  // A batch that was refused as a whole names its visitor in its text alone, if anywhere.
  const erase = database.prepare(
    'DELETE FROM dead_letters WHERE (site_id = ? OR site_id IS NULL) AND (visitor_id = ? OR instr(lower(body), lower(?)))',
  );
  const ofVisitor = database.prepare<[number, Buffer, string], LetterRow>(
    'SELECT * FROM dead_letters WHERE (site_id = ? OR site_id IS NULL) AND (visitor_id = ? OR instr(lower(body), lower(?)))',
  );
  const toLetter = ({ received_at: receivedAt, reason, detail, body }: LetterRow): DeadLetter => ({
    siteKey: null,
    receivedAt,
    reason,
    detail,
    body,
  });
  const latest = database.prepare<[number, number], LetterRow>(
    'SELECT * FROM dead_letters WHERE site_id = ? OR site_id IS NULL ORDER BY id DESC LIMIT ?',
  );
  return {
    add(site: number | null, { receivedAt, reason, detail, body, visitorId }: DeadLetter): void {
      const start = Buffer.from(body).subarray(0, DEAD_LETTER_BYTES).toString();
      const visitor = visitorId ? toBlob(visitorId) : null;
      const { lastInsertRowid } = insert.run(site, receivedAt, reason, detail, start, visitor);
      trim.run(Number(lastInsertRowid) - MAX_DEAD_LETTERS);
    },
    expire(before: number): void {
      expire.run(before);
    },
    /** @returns how many there were of a visitor, and with a text in them */
    erase: (site: number, visitor: Buffer, text: string): number => erase.run(site, visitor, text).changes,
    ofVisitor: (site: number, visitorId: string): DeadLetter[] =>
      ofVisitor.all(site, toBlob(visitorId), visitorId).map(toLetter),
    latest: (site: number, limit: number): DeadLetter[] => latest.all(site, limit).map(toLetter),
  };
}

function jobTable(database: Database.Database, sites: SiteTable, visitors: VisitorTable) {
  const insert = database.prepare('INSERT INTO jobs (site_id, kind, rules, state, total) VALUES (?, ?, ?, ?, ?)');
  const get = database.prepare<[number, number], JobRow>('SELECT * FROM jobs WHERE id = ? AND site_id = ?');
  const running = database.prepare<[], JobRow>("SELECT * FROM jobs WHERE state = 'running' ORDER BY id");
  const finish = database.prepare("UPDATE jobs SET state = 'done' WHERE id = ?");
  // What is left is read off the visitors themselves: no counter to get out of step after a crash.
  const toJob = ({ id, site_id, kind, rules, state, total }: JobRow): Job => ({
    id,
    siteKey: sites.keyOf(site_id),
    kind,
    rules,
    state,
    total,
    done: state === 'done' ? total : Math.max(0, total - visitors.countStale(site_id, rules)),
  });
  return {
    add(siteKey: string, rules: number): Job {
      const site = sites.id(siteKey);
      const { lastInsertRowid } = insert.run(site, 'recompute', rules, 'running', visitors.count(site));
      return toJob(get.get(Number(lastInsertRowid), site)!);
    },
    get(siteKey: string, id: number): Job | undefined {
      const row = get.get(id, sites.id(siteKey));
      return row && toJob(row);
    },
    running: () => running.all().map(toJob),
    finish(id: number): void {
      finish.run(id);
    },
  };
}

function tombstoneTable(database: Database.Database, sites: SiteTable) {
  const insert = database.prepare('INSERT OR IGNORE INTO tombstones (site_id, hash, erased_at) VALUES (?, ?, ?)');
  const get = database.prepare('SELECT 1 FROM tombstones WHERE site_id = ? AND hash = ?');
  const any = database.prepare('SELECT 1 FROM tombstones LIMIT 1');
  const unwiped = database.prepare('SELECT 1 FROM tombstones WHERE NOT is_wiped');
  const wipe = database.prepare('UPDATE tombstones SET is_wiped = 1 WHERE NOT is_wiped');
  return {
    areWiped: (): boolean => !unwiped.get(),
    noteWiped(): void {
      wipe.run();
    },
    add(site: number, visitor: Buffer, now: number): void {
      insert.run(site, sites.hashOf(site, visitor), now);
    },
    has: (site: number, visitor: Buffer): boolean => !!any.get() && !!get.get(site, sites.hashOf(site, visitor)),
  };
}

function keyTable(database: Database.Database) {
  const get = database
    .prepare<[], string>('SELECT private_jwk FROM signing_keys ORDER BY created_at DESC LIMIT 1')
    .pluck();
  const insert = database.prepare('INSERT INTO signing_keys (id, private_jwk, created_at) VALUES (?, ?, ?)');
  return {
    get: (): string | undefined => get.get(),
    add(jwk: string): string {
      insert.run((JSON.parse(jwk) as { kid: string }).kid, jwk, Date.now());
      return jwk;
    },
  };
}

function userTable(database: Database.Database) {
  const all = database.prepare<[], User>('SELECT name, role, created_at AS createdAt FROM users ORDER BY name');
  const insert = database.prepare(
    'INSERT OR IGNORE INTO users (name, role, token_hash, created_at) VALUES (?, ?, ?, ?)',
  );
  const endSessions = database.prepare('DELETE FROM tokens WHERE user_id = (SELECT id FROM users WHERE name = ?)');
  const remove = database.prepare('DELETE FROM users WHERE name = ?');
  const byToken = database.prepare<[string], User>(
    'SELECT name, role, created_at AS createdAt FROM users WHERE token_hash = ?',
  );
  return {
    all: (): User[] => all.all(),
    add: ({ name, role, createdAt }: User, hash: string): boolean => !!insert.run(name, role, hash, createdAt).changes,
    remove(name: string): boolean {
      endSessions.run(name);
      return !!remove.run(name).changes;
    },
    byToken: (hash: string): User | undefined => byToken.get(hash),
  };
}

function tokenTable(database: Database.Database) {
  const insert = database.prepare(
    'INSERT OR REPLACE INTO tokens (hash, kind, expires_at, user_id) VALUES (?, ?, ?, NULL)',
  );
  // Who was removed meanwhile gets no session, and least of all the owner's.
  const insertOf = database.prepare(
    'INSERT OR REPLACE INTO tokens (hash, kind, expires_at, user_id) SELECT ?, ?, ?, id FROM users WHERE name = ?',
  );
  const role = database
    .prepare<[string, number], Role>(
      `SELECT iif(user_id IS NULL, 'owner', (SELECT role FROM users WHERE id = user_id)) FROM tokens
       WHERE hash = ? AND kind = 'session' AND expires_at > ?`,
    )
    .pluck();
  const take = database.prepare('DELETE FROM tokens WHERE hash = ? AND kind = ? AND expires_at > ?');
  const expire = database.prepare('DELETE FROM tokens WHERE expires_at <= ?');
  return {
    add({ hash, kind, expiresAt, user }: { hash: string; kind: string; expiresAt: number; user?: string }): void {
      if (user === undefined) insert.run(hash, kind, expiresAt);
      else insertOf.run(hash, kind, expiresAt, user);
    },
    role: (hash: string, now: number): Role | undefined => role.get(hash, now) ?? undefined,
    take(hash: string, kind: string, now: number): boolean {
      expire.run(now);
      return take.run(hash, kind, now).changes === 1;
    },
  };
}
