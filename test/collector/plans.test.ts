import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { temporaryFolder } from '../helpers/collector.js';

/** Reports and steps of long work, which look at all of a site's rows on purpose. */
const WHOLE =
  /count\(\*\) AS (visitors|transitions)|UPDATE visitors SET rules = 0|SELECT (count\(\*\)|id) FROM visitors WHERE site_id = \?$/;

test('no statement looks for one visitor among all of a site', async () => {
  const prepare = vi.spyOn(Database.prototype, 'prepare');
  onTestFinished(() => prepare.mockRestore());
  const folder = temporaryFolder();
  const store = openSqliteStore(folder);
  const texts = new Set(prepare.mock.calls.map(([text]) => text.trim()));
  const database = new Database(path.join(folder, 'stagetag.sqlite'));
  let asked = 0;
  for (const text of texts) {
    if (!/^(SELECT|UPDATE|DELETE|WITH)/.test(text) || WHOLE.test(text)) continue;
    const named = [...text.matchAll(/@(\w+)/g)].map(([, name]) => [name, null]);
    const args = named.length ? [Object.fromEntries(named)] : (text.match(/\?/g) ?? []).map(() => null);
    const plan = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(...args);
    asked++;
    for (const { detail } of plan) {
      expect(detail, text).not.toMatch(
        /^(SEARCH|SCAN) (batches|event_ids|visitors|transitions|sessions)\b.*\(site_id=\?\)$/,
      );
      expect(detail, text).not.toMatch(/^SCAN (batches|event_ids|visitors|transitions|sessions)\b/);
      // A page of the list of visitors is where its index says; a person's visitors are few.
      if (text.includes('ORDER BY v.last_seen')) expect(detail, text).not.toMatch(/TEMP B-TREE/);
    }
  }
  expect(asked).toBeGreaterThan(40);
  database.close();
  await store.close();
});
