import { createHmac } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { Rules } from '../../../sdk/core/index.js';
import type {
  NewSite,
  Publication,
  PublishedRules,
  RuleDraft,
  RuleVersion,
  Site,
  SiteChanges,
  WeekStart,
} from '../store.js';

interface SiteRow {
  id: number;
  site_key: string;
  secret_key: string;
  identity_key: string;
  name: string;
  origins: string;
  time_zone: string;
  template: string;
  rules_version: number;
  created_at: number;
  retention_days: number | null;
  internal: string;
  channels: string;
  targets: string;
  week_start: string;
  kept_from: number;
}

/** Sites and their rules. */
export class SiteTable {
  readonly #all;
  readonly #insert;
  readonly #insertRules;
  readonly #setVersion;
  readonly #update;
  readonly #keepFrom;
  readonly #rules;
  readonly #versions;
  readonly #version;
  /** Changes whenever another process has written. */
  readonly #dataVersion;
  /** Rows as they were read last: every request asks for them, and they hardly ever change. */
  #rows: SiteRow[] | undefined;
  #rowsAt = -1;
  #isFresh = false;
  /** Parsed rules by site; a version's text never changes. */
  readonly #parsed = new Map<number, { version: number; rules: PublishedRules[] }>();

  constructor(database: Database.Database) {
    this.#all = database.prepare<[], SiteRow>('SELECT * FROM sites ORDER BY id');
    this.#dataVersion = database.prepare<[], number>('PRAGMA data_version').pluck();
    this.#insert = database.prepare(`
      INSERT INTO sites (site_key, secret_key, identity_key, name, origins, time_zone, template, rules_version, created_at, retention_days, internal, channels, targets, week_start)
      VALUES (@siteKey, @secretKey, @secretKey, @name, @origins, @timeZone, @template, 0, @createdAt, @retentionDays, @internal, @channels, @targets, @weekStart)`);
    this.#insertRules = database.prepare(
      'INSERT INTO rules (site_id, version, body, published_at, since, author, note) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#update = database.prepare(`
      UPDATE sites SET secret_key = @secretKey, name = @name, origins = @origins, time_zone = @timeZone, retention_days = @retentionDays, internal = @internal,
        channels = @channels, targets = @targets, week_start = @weekStart
      WHERE site_key = @siteKey`);
    this.#keepFrom = database.prepare('UPDATE sites SET kept_from = max(kept_from, ?) WHERE id = ?');
    this.#setVersion = database.prepare('UPDATE sites SET rules_version = ? WHERE id = ?');
    // A version that replays everything makes those before it irrelevant.
    this.#rules = database.prepare<[number, number], { body: string; published_at: number; since: number }>(`
      SELECT body, published_at, since FROM rules
      WHERE site_id = ? AND version >= (SELECT max(version) FROM rules WHERE site_id = ? AND since = 0)
      ORDER BY version`);
    this.#versions = database.prepare<[number], RuleVersion>(`
      SELECT version, body ->> 'name' AS name, published_at AS publishedAt, since, author, note FROM rules
      WHERE site_id = ? ORDER BY version DESC`);
    this.#version = database
      .prepare<[number, number], string>('SELECT body FROM rules WHERE site_id = ? AND version = ?')
      .pluck();
  }

  #sites(): SiteRow[] {
    if (this.#rows && this.#isFresh) return this.#rows;
    const version = this.#dataVersion.get()!;
    if (version !== this.#rowsAt) this.#rows = undefined;
    this.#rowsAt = version;
    // Whether another process has written is asked once for all that is done in one go.
    this.#isFresh = true;
    setImmediate(() => (this.#isFresh = false));
    return (this.#rows ??= this.#all.all());
  }

  #row(siteKey: string): SiteRow | undefined {
    return this.#sites().find((row) => row.site_key === siteKey);
  }

  /** What was read may have been undone since. */
  forget(): void {
    this.#rows = undefined;
    this.#parsed.clear();
  }

  all(): Site[] {
    return this.#sites().map(toSite);
  }

  get(siteKey: string): Site | undefined {
    const row = this.#row(siteKey);
    return row && toSite(row);
  }

  /** The row's number. @throws where there is no such site: callers look it up first. */
  id(siteKey: string): number {
    const row = this.#row(siteKey);
    if (!row) throw new Error(`no site has the key ${siteKey}`);
    return row.id;
  }

  /** By which an erased visitor is known again, and by nobody without the site's keys. */
  hashOf(id: number, visitor: Buffer): Buffer {
    const { identity_key } = this.#sites().find((row) => row.id === id)!;
    return createHmac('sha256', identity_key).update(visitor).digest();
  }

  keptFrom(id: number): number {
    return this.#sites().find((row) => row.id === id)!.kept_from;
  }

  keyOf(id: number): string {
    return this.#sites().find((row) => row.id === id)!.site_key;
  }

  update(siteKey: string, changes: SiteChanges): void {
    this.#update.run(listsAsTexts({ ...this.get(siteKey)!, ...changes }));
    this.#rows = undefined;
  }

  /** Notes that raw events are there from this day on. */
  keepFrom(id: number, day: number): void {
    this.#keepFrom.run(day, id);
    this.#rows = undefined;
  }

  add(site: NewSite, rules: Rules): void {
    this.#insert.run(listsAsTexts(site));
    this.#rows = undefined;
    this.publish(site.siteKey, rules, { publishedAt: site.createdAt, since: 0 });
  }

  publish(siteKey: string, rules: Rules, publication: Publication): number | undefined {
    const { id, rules_version } = this.#row(siteKey)!;
    const { publishedAt, since, author = null, note = null, after = rules_version } = publication;
    if (after !== rules_version) return undefined;
    const version = rules_version + 1;
    this.#insertRules.run(id, version, JSON.stringify({ ...rules, version }), publishedAt, since, author, note);
    this.#setVersion.run(version, id);
    this.#rows = undefined;
    return version;
  }

  versions(siteKey: string): RuleVersion[] {
    return this.#versions.all(this.id(siteKey));
  }

  version(siteKey: string, version: number): Rules | undefined {
    const body = this.#version.get(this.id(siteKey), version);
    return body === undefined ? undefined : (JSON.parse(body) as Rules);
  }

  rules(siteKey: string): PublishedRules[] {
    const { id, rules_version: version } = this.#row(siteKey)!;
    const known = this.#parsed.get(id);
    if (known?.version === version) return known.rules;
    const rules = this.#rules
      .all(id, id)
      .map((row) => ({ rules: JSON.parse(row.body) as Rules, publishedAt: row.published_at, since: row.since }));
    this.#parsed.set(id, { version, rules });
    return rules;
  }
}

const listsAsTexts = <T extends Pick<Site, 'origins' | 'internal' | 'channels' | 'targets'>>(site: T) => ({
  ...site,
  origins: JSON.stringify(site.origins),
  internal: JSON.stringify(site.internal),
  channels: JSON.stringify(site.channels),
  targets: JSON.stringify(site.targets),
});

function toSite(row: SiteRow): Site {
  return {
    siteKey: row.site_key,
    secretKey: row.secret_key,
    identityKey: row.identity_key,
    name: row.name,
    origins: JSON.parse(row.origins) as string[],
    timeZone: row.time_zone,
    template: row.template,
    rulesVersion: row.rules_version,
    createdAt: row.created_at,
    retentionDays: row.retention_days,
    internal: JSON.parse(row.internal) as string[],
    channels: JSON.parse(row.channels) as Record<string, string>,
    targets: JSON.parse(row.targets) as Site['targets'],
    weekStart: row.week_start as WeekStart,
    keptFrom: row.kept_from,
  };
}

interface DraftRow {
  body: string;
  author: string | null;
  savedAt: number;
  basedOn: number;
}

/** Rules that somebody is at, one draft to a site. */
export function draftTable(database: Database.Database) {
  const get = database.prepare<[number], DraftRow>(
    'SELECT body, author, saved_at AS savedAt, based_on AS basedOn FROM rule_drafts WHERE site_id = ?',
  );
  const put = database.prepare(`
    INSERT INTO rule_drafts (site_id, body, author, saved_at, based_on) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET body = excluded.body, author = excluded.author, saved_at = excluded.saved_at`);
  const drop = database.prepare('DELETE FROM rule_drafts WHERE site_id = ?');
  return {
    get(site: number): RuleDraft | undefined {
      const row = get.get(site);
      if (!row) return undefined;
      const { body, ...rest } = row;
      return { rules: JSON.parse(body) as object, ...rest };
    },
    put(site: number, draft: RuleDraft | null): void {
      if (draft) put.run(site, JSON.stringify(draft.rules), draft.author, draft.savedAt, draft.basedOn);
      else drop.run(site);
    },
  };
}
