/** The default store: one SQLite file. Writes of many requests share a commit; reads see committed rows alone. */
import fs from 'node:fs';
import Database from 'better-sqlite3';
import {
  isBot,
  MAX_VISITORS,
  type Append,
  type Appended,
  type Link,
  type Store,
  type StoredEvent,
  type VisitorChange,
  type VisitorRecord,
} from '../store.js';
import { MIGRATIONS } from './migrations.js';
import { DAY_MS } from '../../../sdk/core/index.js';
import { keyTable, tokenTable, userTable } from './accessTables.js';
import { audienceTable } from './audienceTable.js';
import { cacheFiles } from './cacheFiles.js';
import { changeTable } from './changeTable.js';
import { costTable } from './costTable.js';
import { deadLetterTable } from './deadLetterTable.js';
import { EventTable, idsOf, PAGE } from './eventTable.js';
import { GroupCommit } from './groupCommit.js';
import { dropKept, openDatabase, takeFolder } from './open.js';
import { jobTable } from './jobTable.js';
import { annotationTable, auditTable, shareTable, viewTable } from './noteTables.js';
import { PageTable } from './pageTable.js';
import { SessionTable } from './sessionTable.js';
import { draftTable, SiteTable } from './siteTable.js';
import { tombstoneTable } from './tombstoneTable.js';
import { fromBlob, toBlob } from './uuid.js';
import { VisitorTable } from './visitorTable.js';
import { WalKeeper, type Bell, type Gate } from './walKeeper.js';

/** People of a list that are written in one go. */
const PIECE = 1000;

/** No visitor's id, and before every one. */
const NOBODY = Buffer.alloc(0);

/**
 * Opens the store in a folder.
 * @param gate holds back those who read in other threads while the log begins anew
 * @param bell calls the thread that brings the log into the file
 * @param isAlone whether no other process may serve from this folder until the store is closed; commands work beside one
 * @throws StoreError where the folder or the file in it cannot be used
 */
export function openSqliteStore(
  folder: string,
  { isAlone = false, gate, bell }: { isAlone?: boolean; gate?: Gate; bell?: Bell } = {},
): Store {
  const unlock = isAlone ? takeFolder(folder) : undefined;
  let database: Database.Database;
  try {
    database = openDatabase(folder, isAlone);
  } catch (error) {
    unlock?.();
    throw error;
  }
  const sites = new SiteTable(database);
  const keeper = new WalKeeper(database, gate, bell);
  const commits = new GroupCommit(
    database,
    () => sites.forget(),
    () => database.open && keeper.afterCommit(),
  );
  const visitors = new VisitorTable(database);
  const sessions = new SessionTable(database);
  const pages = new PageTable(database);
  const events = new EventTable(database, pages);
  const changes = changeTable(database);
  const costs = costTable(database);
  const files = cacheFiles(folder);
  const audiences = audienceTable(database);
  const annotations = annotationTable(database);
  const views = viewTable(database);
  const shares = shareTable(database);
  const audits = auditTable(database);
  const deadLetters = deadLetterTable(database);
  const drafts = draftTable(database);
  const jobs = jobTable(database, sites, visitors);
  const tokens = tokenTable(database);
  const users = userTable(database);
  const keys = keyTable(database);
  const tombstones = tombstoneTable(database, sites);
  /** A crash may have come between erasing and wiping. */
  let isWiped = tombstones.areWiped();

  function put(
    site: number,
    id: Buffer,
    record: VisitorRecord,
    before: VisitorRecord | undefined,
    rows?: number[],
    isAmended?: boolean,
  ): void {
    visitors.put(site, id, record, before);
    changes.add(site, id, rows, isAmended);
  }

  /** A record as it was before what time alone made of it, where these events are later than all others, and earlier than that. */
  function beforeExpiries(
    site: number,
    record: VisitorRecord | undefined,
    added: StoredEvent[],
  ): VisitorRecord | undefined {
    if (!record || !added.length) return record;
    const first = Math.min(...added.map(({ event }) => event.time));
    if (first <= record.lastTime || first >= record.stageSince) return record;
    const told = visitors.takeBackExpiries(site, toBlob(record.visitorId), first);
    return told ? { ...record, ...told } : record;
  }

  function append(batch: Append): Appended {
    const {
      siteKey,
      visitorId,
      rulesVersion,
      keepsFacts,
      events: offered,
      deadLetters: letters,
      link,
      verdict,
      foldOf,
    } = batch;
    const site = sites.id(siteKey);
    const visitor = toBlob(visitorId);
    if (tombstones.has(site, visitor)) return { accepted: 0, duplicates: 0, isForgotten: true, record: undefined };
    for (const letter of letters) deadLetters.add(site, letter);
    const found = visitors.get(site, visitor);
    const known = found && verdict ? { ...found, ...verdict } : found;
    if (known?.isPerson) return { accepted: 0, duplicates: 0, record: foldPerson(site, known, batch) };
    const { added, rows, isChanged } = events.add(site, visitor, offered);
    const accepted = added.length;
    const duplicates = offered.length - accepted;
    const before = beforeExpiries(site, known, added);
    if (!before && !added.length) return { accepted, duplicates, record: undefined };

    const isStale =
      !!before && ((before.rules !== rulesVersion && !keepsFacts(before.rules)) || isChanged || !!verdict);
    const history = isStale ? events.ofVisitor(site, visitor) : undefined;
    const whose = linkOf(site, before, batch);
    const { personId } = whose;
    const keptFrom = sites.keptFrom(site);
    const folded = foldOf(visitorId)({ before, added, history, link: whose, keptFrom });
    const { record, transitions, past } = folded;
    const wasOf = before?.personId ?? null;
    const left = wasOf && wasOf !== personId ? visitors.get(site, toBlob(wasOf)) : undefined;
    // What the browser was told last was the person's; an answer of a lower number would be out of date.
    if (left) record.rev = Math.max(record.rev, left.rev + 1);
    // Moves that were taken back are to be read anew, as are events that changed.
    if (record !== before) put(site, visitor, record, found, rows, isChanged || before !== known);
    for (const transition of transitions) visitors.addTransition(site, visitor, transition);
    for (const part of folded.sessions) sessions.add(site, visitor, part);
    if (left) foldPerson(site, left, batch, { isLinked: true });
    if (!personId) return { accepted, duplicates, record };

    const person = visitors.get(site, toBlob(personId));
    const isLinked = personId !== wasOf;
    const isWhole = person?.rules === rulesVersion && !isLinked && !history && !isBot(found?.bot ?? null);
    // The visitor as it was before these events, where the person cannot just add them to what it knows.
    const own = isWhole ? undefined : { ...record, facts: past, events: record.events - added.length };
    const userId = link?.personId === personId ? link.userId : (person?.userId ?? record.userId);
    const who = { visitorId: personId, userId };
    // What a bot does is no person's doing, unless all that the person has are bots: then it is added up with what it did.
    const part = isBot(record.bot) ? { own: record } : { added, own };
    return { accepted, duplicates, record, person: foldPerson(site, who, batch, { ...part, isLinked }) };
  }

  /** Whose visitor it is from now on. */
  function linkOf(
    site: number,
    { personId: was = null, linkedAt: saidAt = 0, linkedSince = 0 }: Partial<VisitorRecord> = {},
    { link, linkedAt = 0, linkedFrom = linkedAt }: Append,
  ): Link {
    const stays = { personId: was, linkedAt: saidAt, linkedSince };
    if (link === undefined) return stays;
    const personId = link && link.personId;
    if (personId !== null && personId === was)
      return { personId, linkedAt: Math.max(saidAt, linkedAt), linkedSince: Math.min(linkedSince, linkedFrom) };
    // What comes late, or once more, does not undo what was said after it.
    if (linkedAt < saidAt) return stays;
    if (personId === null) return { personId, linkedAt, linkedSince: 0 };
    const isFull = visitors.countOfPerson(site, toBlob(personId)) >= MAX_VISITORS;
    return isFull ? stays : { personId, linkedAt, linkedSince: linkedFrom };
  }

  /**
   * Folds a change of one of its visitors into a person.
   * @param own that visitor's record, where the person must be added up anew from all of them
   * @returns undefined where no visitor is left: then the person is gone too
   */
  function foldPerson(
    site: number,
    { visitorId: id, userId }: Pick<VisitorRecord, 'visitorId' | 'userId'>,
    batch: Pick<Append, 'rulesVersion' | 'keepsFacts' | 'foldOf'>,
    { added = [], own, isLinked }: { added?: StoredEvent[]; own?: VisitorRecord; isLinked?: boolean } = {},
  ): VisitorRecord | undefined {
    const known = visitors.get(site, toBlob(id));
    const before = beforeExpiries(site, known, added);
    const isAnew = !!own || isLinked || before?.rules !== batch.rulesVersion;
    const parts = isAnew ? partsOf(site, id, batch, own) : undefined;
    if (parts && !parts.length) {
      visitors.erase(site, toBlob(id));
      changes.erase(site, toBlob(id));
      return undefined;
    }
    const { record, transitions } = batch.foldOf(id)({ before, added, parts, isLinked });
    const person = { ...record, userId };
    if (record !== before) put(site, toBlob(id), person, before, undefined, before !== known);
    for (const transition of transitions) visitors.addTransition(site, toBlob(id), transition);
    return person;
  }

  /** A person's visitors, each up to date with the rules. */
  function partsOf(
    site: number,
    personId: string,
    batch: Pick<Append, 'rulesVersion' | 'keepsFacts' | 'foldOf'>,
    own?: VisitorRecord,
  ): VisitorRecord[] {
    return visitors.ofPerson(site, toBlob(personId)).map((before) => {
      if (before.visitorId === own?.visitorId) return own;
      if (before.rules === batch.rulesVersion) return before;
      const isKept = batch.keepsFacts(before.rules);
      const history = isKept ? undefined : events.ofVisitor(site, toBlob(before.visitorId));
      const change = { before, added: [], history, link: before, keptFrom: sites.keptFrom(site) };
      const { record } = batch.foldOf(before.visitorId)(change);
      put(site, toBlob(before.visitorId), record, before);
      return record;
    });
  }

  async function dropList(list: number | null = null): Promise<void> {
    while (list !== null && (await commits.write(() => audiences.dropPart(list)))) await new Promise(setImmediate);
  }

  const stampOf = (siteKey: string) => `${tombstones.count()} ${sites.keptFrom(sites.id(siteKey))}`;
  /** Of one moment. */
  const readLatest = database.transaction((site: number) => ({
    change: changes.last(),
    rowId: events.last(),
    visitors: visitors.count(site),
  }));

  return {
    sites: async () => sites.all(),
    site: async (siteKey) => sites.get(siteKey),
    addSite: (site, rules) => commits.write(() => sites.add(site, rules)),
    rules: async (siteKey) => sites.rules(siteKey),
    updateSite: (siteKey, changes) => commits.write(() => sites.update(siteKey, changes)),
    publishRules: (siteKey, rules, publication) => commits.write(() => sites.publish(siteKey, rules, publication)),
    ruleVersions: async (siteKey) => sites.versions(siteKey),
    ruleVersion: async (siteKey, version) => sites.version(siteKey, version),
    draft: async (siteKey) => drafts.get(sites.id(siteKey)),
    saveDraft: (siteKey, draft, known) =>
      commits.write(() => {
        const there = drafts.get(sites.id(siteKey));
        if (known !== undefined && there && there.savedAt !== known) return there;
        drafts.put(sites.id(siteKey), draft && { ...draft, basedOn: sites.get(siteKey)!.rulesVersion });
        return undefined;
      }),

    append: (batch) => commits.write(() => append(batch)),
    expireEvents: async (siteKey, keptFrom) => {
      const site = sites.id(siteKey);
      // First of all: from here on nobody counts them a second time, whatever of them is still there.
      await commits.write(() => sites.keepFrom(site, keptFrom));
      files.remove(siteKey);
      let removed = 0;
      const before = keptFrom * DAY_MS;
      for (let after = 0; after < events.last(); after += PAGE) {
        if (events.hasOld(site, after, before))
          removed += await commits.write(() => events.expire(site, after, before));
        await new Promise(setImmediate);
      }
      return removed;
    },
    addDeadLetter: (letter) =>
      commits.write(() => deadLetters.add(letter.siteKey === null ? null : sites.id(letter.siteKey), letter)),
    expireDeadLetters: (before) => commits.write(() => deadLetters.expire(before)),

    visitor: async (siteKey, visitorId) => visitors.get(sites.id(siteKey), toBlob(visitorId)),
    visitors: async (siteKey, { limit, seenBefore, after }) =>
      visitors.latest(sites.id(siteKey), limit, seenBefore, after),
    everyVisitor: async (siteKey, after, limit) =>
      visitors.next(sites.id(siteKey), after === undefined ? NOBODY : toBlob(after), limit),
    transitions: async (siteKey, visitorId) => visitors.transitions(sites.id(siteKey), toBlob(visitorId)),
    latestEvents: async (siteKey, visitorId, limit) => events.latest(sites.id(siteKey), toBlob(visitorId), limit),
    events: (siteKey, filter) => events.find(sites.id(siteKey), filter),
    deadLettersOf: async (siteKey, visitorId) => deadLetters.ofVisitor(sites.id(siteKey), visitorId),
    deadLetters: async (siteKey, limit, isOwn) => deadLetters.latest(sites.id(siteKey), limit, isOwn),
    refusals: async (siteKey, since) => deadLetters.reasons(sites.id(siteKey), since),
    erasures: async (siteKey) => tombstones.count(sites.id(siteKey)),

    visitorsOfPerson: async (siteKey, personId) =>
      visitors.ofPerson(sites.id(siteKey), toBlob(personId)).map(({ visitorId }) => visitorId),
    visitorsOfUser: async (siteKey, userId) => visitors.ofUser(sites.id(siteKey), userId),
    visitorsOfUsers: async (siteKey, beginning) => visitors.ofUsers(sites.id(siteKey), beginning),
    erase: async (siteKey, visitorId, now, how) => {
      const site = sites.id(siteKey);
      const visitor = toBlob(visitorId);
      isWiped = false;
      const erased = await commits.write(() => {
        const { personId } = visitors.get(site, visitor) ?? {};
        const person = personId ? visitors.get(site, toBlob(personId)) : undefined;
        const ids = person && idsOf(events.ofVisitor(site, visitor));
        tombstones.add(site, visitor, now);
        sessions.erase(site, visitor);
        audiences.erase(site, visitor);
        changes.erase(site, visitor);
        const erased = {
          events: events.erase(site, visitor),
          transitions: visitors.erase(site, visitor),
          deadLetters: deadLetters.erase(site, visitor, visitorId),
        };
        if (person) {
          const id = toBlob(person.visitorId);
          visitors.put(site, id, { ...person, stage: visitors.forgetMoves(site, id, ids!) }, person);
          foldPerson(site, person, how, { isLinked: true });
        }
        return erased;
      });
      files.clear();
      return erased;
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
      // Whoever was about to write one has done so by now.
      files.clear();
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
      // A copy begins anew whenever another connection writes, unless it reads the same moment to its end.
      const reader = new Database(database.name, { readonly: true });
      try {
        reader.exec('BEGIN');
        reader.prepare('SELECT 1 FROM sqlite_schema').get();
        await reader.backup(file, {
          progress: ({ totalPages, remainingPages }) => {
            onProgress?.(1 - remainingPages / totalPages);
            return 1000;
          },
        });
      } finally {
        reader.close();
      }
      // So that it can be read where nothing can be written beside it.
      const copy = new Database(file);
      copy.pragma('journal_mode = DELETE');
      copy.close();
    },

    dueVisitors: async (now, limit, siteKey) =>
      visitors
        .due(now, limit, siteKey === undefined ? undefined : sites.id(siteKey))
        .map(({ site, visitorId }) => ({ siteKey: sites.keyOf(site), visitorId })),
    markStale: (siteKey) => commits.write(() => visitors.markStale(sites.id(siteKey))),
    staleVisitors: async (siteKey, rules, limit) => visitors.stale(sites.id(siteKey), rules, limit),

    addJob: (siteKey, rules) => commits.write(() => jobs.add(siteKey, rules)),
    job: async (siteKey, id) => jobs.get(siteKey, id),
    runningJobs: async () => jobs.running(),
    finishJob: (id) => commits.write(() => jobs.finish(id)),

    visitorIds: async (siteKey) => visitors.ids(sites.id(siteKey)),
    latest: async (siteKey) => readLatest(sites.id(siteKey)),
    changesSince: async (siteKey, change) => {
      const site = sites.id(siteKey);
      const found = changes.since(site, change);
      if (!found) return { upTo: changes.last(), changed: undefined, isSomebodyGone: false };
      const changed = found.rows.map((row): VisitorChange => {
        const stored = row.batch === null ? undefined : events.at(site, row.visitor_id, row.batch);
        return {
          visitorId: fromBlob(row.visitor_id),
          ...(stored && { events: stored, rowId: row.batch! }),
          isAmended: !!row.is_amended,
        };
      });
      return { upTo: found.upTo, changed, isSomebodyGone: found.isSomebodyGone };
    },
    eventsAfter: async (siteKey, rowId, upTo) => events.after(sites.id(siteKey), rowId, upTo),
    eventRows: async (siteKey, visitorId) => events.rowsOf(sites.id(siteKey), toBlob(visitorId)),
    movesOf: async (siteKey, visitorId, upTo) => visitors.movesOf(sites.id(siteKey), toBlob(visitorId), upTo),
    everyTransition: async (siteKey, after, limit) => visitors.nextTransitions(sites.id(siteKey), after, limit),
    everySession: async (siteKey, after, limit) => sessions.next(sites.id(siteKey), after, limit),
    sessions: async (siteKey, visitorId, limit) => sessions.ofVisitor(sites.id(siteKey), toBlob(visitorId), limit),

    addPages: (siteKey, count) => commits.write(() => pages.add(sites.id(siteKey), count)),
    setPages: (siteKey, counts) => commits.write(() => counts.forEach((count) => pages.set(sites.id(siteKey), count))),
    pageCounts: async (siteKey, from, to) => pages.counts(sites.id(siteKey), from, to),
    pageViews: async (siteKey, from, until) => pages.views(sites.id(siteKey), from, until),

    setCosts: (siteKey, given) => commits.write(() => costs.put(sites.id(siteKey), given)),
    removeCosts: (siteKey, named, from, to) => commits.write(() => costs.remove(sites.id(siteKey), named, from, to)),
    costs: async (siteKey, from, to) => costs.between(sites.id(siteKey), from, to),

    audiences: async (siteKey) => audiences.all(sites.id(siteKey)),
    saveAudience: async (siteKey, audience, people = [], id, known) => {
      const site = sites.id(siteKey);
      // In pieces, between which events are stored: until all of it is there the audience is what it was.
      const list = people.length ? audiences.newList() : null;
      for (let from = 0; from < people.length; from += PIECE)
        await commits.write(() => audiences.addToList(list!, site, people.slice(from, from + PIECE)));
      const saved = await commits.write(() => {
        const there = known === undefined ? undefined : audiences.all(site).find((each) => each.id === id);
        return there && there.savedAt !== known ? there : audiences.save(site, audience, list, id);
      });
      const isSaved = saved && 'before' in saved;
      await dropList(isSaved ? saved.before : list);
      return isSaved ? saved.id : saved;
    },
    audienceMembers: async (siteKey, id) => audiences.members(sites.id(siteKey), id),
    removeAudience: async (siteKey, id) => {
      const list = await commits.write(() => audiences.remove(sites.id(siteKey), id));
      await dropList(list);
      return list !== undefined;
    },

    annotations: async (siteKey) => annotations.all(sites.id(siteKey)),
    addAnnotation: (siteKey, annotation) => commits.write(() => annotations.add(sites.id(siteKey), annotation)),
    removeAnnotation: (siteKey, id) => commits.write(() => annotations.remove(sites.id(siteKey), id)),
    views: async (siteKey) => views.all(sites.id(siteKey)),
    addView: (siteKey, view) => commits.write(() => views.add(sites.id(siteKey), view)),
    removeView: (siteKey, id) => commits.write(() => views.remove(sites.id(siteKey), id)),
    shares: async (siteKey, now) => shares.all(sites.id(siteKey), now),
    addShare: (siteKey, share, hash) => commits.write(() => shares.add(sites.id(siteKey), share, hash)),
    removeShare: (siteKey, id) => commits.write(() => shares.remove(sites.id(siteKey), id)),
    siteOfShare: async (hash, now) => shares.siteOf(hash, now),
    addAudit: (entry) => commits.write(() => audits.add(entry)),
    audit: async (limit, before) => audits.latest(limit, before),
    lastDone: async (action) => audits.last(action),
    space: async () => {
      const { bavail, bsize } = await fs.promises.statfs(folder);
      const files = ['', '-wal'].map((end) =>
        fs.promises.stat(database.name + end).then(
          ({ size }) => size,
          () => 0,
        ),
      );
      return { taken: (await Promise.all(files)).reduce((sum, size) => sum + size), free: bavail * bsize };
    },

    signingKey: (offered) => commits.write(() => keys.get() ?? (offered && keys.add(offered))),
    addToken: (token) => commits.write(() => tokens.add(token)),
    sessionUser: async (hash, now) => tokens.who(hash, now),
    users: async () => users.all(),
    addUser: (user, hash) => commits.write(() => users.add(user, hash)),
    removeUser: (name) => commits.write(() => users.remove(name)),
    userOf: async (hash) => users.byToken(hash),
    takeToken: (hash, kind, now) => commits.write(() => tokens.take(hash, kind, now)),

    stamp: async (siteKey) => stampOf(siteKey),
    cache: async (siteKey, made, stamp) => {
      const isStill = () => stampOf(siteKey) === stamp;
      if (isStill()) await files.write(siteKey, made, isStill);
    },
    cached: (siteKey) => files.read(siteKey),
    dropKept: async (now) => dropKept(folder, now),
    // Writes what is there already: where that cannot be done, no event can be stored either.
    check: () => commits.write(() => void database.pragma(`user_version = ${MIGRATIONS.length}`)),
    close: async () => {
      commits.commit();
      database.close();
      unlock?.();
    },
  };
}
