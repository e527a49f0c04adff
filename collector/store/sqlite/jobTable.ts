import type Database from 'better-sqlite3';
import type { Job } from '../store.js';
import type { SiteTable } from './siteTable.js';
import type { VisitorTable } from './visitorTable.js';

interface JobRow {
  id: number;
  site_id: number;
  kind: 'recompute';
  rules: number;
  state: Job['state'];
  total: number;
}

/** Long pieces of work, and how far they are. */
export function jobTable(database: Database.Database, sites: SiteTable, visitors: VisitorTable) {
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
