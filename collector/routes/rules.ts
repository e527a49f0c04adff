import { Hono, type Context } from 'hono';
import {
  compileExclusions,
  compileRules,
  compileScores,
  isDeep,
  isRecord,
  lintRules,
  MAX_RULES_DEPTH,
  parseRules,
  type Rules,
} from '../../sdk/core/index.js';
import { sinceOf } from '../ingest/timeline.js';
import { diffRules } from '../reports/diff.js';
import { readTemplate } from '../templates.js';
import type { Services } from '../services.js';
import { readJson, type SiteEnv } from './api.js';
import { readQuery } from './query.js';

interface Publishing {
  apply: 'all' | 'now';
  wait: string;
  confirm: string;
  note: string;
  basedOn: number;
}

/** What somebody else did since what is given was begun. */
export const otherwise = (c: Context<SiteEnv>, error: string, author: string | null, at: number) =>
  c.json({ error, meanwhile: { author, at } }, 409);

const UNTOUCHED = 'the rules were not changed: ';

/** Rules, their versions, and what somebody is about to make of them. */
export function ruleRoutes({ store, work, now, log, reports }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/rules', async (c) => c.json((await store.rules(c.get('site').siteKey)).at(-1)!.rules));

  /** Puts rules in force, and has every visitor's stage made anew. */
  const publish = async (c: Context<SiteEnv>, rules: Rules, publishing: Partial<Publishing>) => {
    const { siteKey } = c.get('site');
    const { apply = 'all', wait = 'false', confirm = 'false', note = null, basedOn } = publishing;
    const warnings = lintRules(compileRules(rules), compileExclusions(rules), compileScores(rules).fit);
    const contradictions = warnings.filter(({ code }) => code === 'never_met');
    if (contradictions.length && confirm !== 'true') {
      const places = contradictions.map(({ path }) => path).join(', ');
      const error = `${UNTOUCHED}nobody can ever meet ${places}; send confirm=true where that is meant`;
      return c.json({ error, warnings }, 409);
    }
    const publishedAt = now();
    let version: number | undefined;
    while (version === undefined) {
      const published = await store.rules(siteKey);
      const after = published.at(-1)!.rules.version;
      if (basedOn !== undefined && after !== basedOn) {
        const { author, publishedAt: at } = (await store.ruleVersions(siteKey)).find((each) => each.version === after)!;
        return otherwise(c, `${UNTOUCHED}version ${after} was published meanwhile`, author, at);
      }
      version = await store.publishRules(siteKey, rules, {
        publishedAt,
        since: sinceOf(published, { rules: { ...rules, version: Infinity } }, apply, publishedAt),
        author: c.get('who').name ?? 'admin',
        note,
        // Another version that comes in between may have other signals.
        after,
      });
    }
    const job = await store.addJob(siteKey, version);
    // The version is published whatever becomes of the replay: the answer names the job that tells.
    const done = work
      .recompute(job)
      .catch((error: unknown) =>
        log.error({ err: error, job: job.id }, 'a recompute stopped; it goes on at the next start'),
      )
      // What was made meanwhile had some visitors by the old rules and some by the new.
      .finally(() => reports.outdate(siteKey));
    if (wait === 'true') await done;
    return c.json({ version, job: job.id, warnings });
  };

  routes.put('/rules', async (c) => {
    const query = readQuery<Publishing>(c, 'publishRules');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const read = await readRules(c);
    return 'rules' in read ? publish(c, read.rules, query) : c.json(read, 400);
  });

  routes.post('/rules/preview', async (c) => {
    const query = readQuery<Publishing>(c, 'previewRules');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const read = await readRules(c);
    if (!('rules' in read)) return c.json(read, 400);
    return c.json(await work.preview(c.get('site'), read.rules, query.apply ?? 'all', now()));
  });

  routes.post('/rules/lint', async (c) => {
    const read = await readRules(c);
    if (!('rules' in read)) return c.json({ errors: read.errors ?? [{ path: '', message: read.error }], warnings: [] });
    return c.json({ errors: [], warnings: await work.lint(c.get('site'), read.rules, now()) });
  });

  routes.get('/rules/versions', async (c) => {
    const { siteKey } = c.get('site');
    const [versions, draft] = await Promise.all([store.ruleVersions(siteKey), store.draft(siteKey)]);
    return c.json({
      versions: versions.map((each, index) => ({ ...each, inForce: index === 0 })),
      draft: draft ? { author: draft.author, savedAt: draft.savedAt } : null,
    });
  });

  routes.get('/rules/versions/:version', async (c) => {
    const rules = await store.ruleVersion(c.get('site').siteKey, Number(c.req.param('version')));
    return rules ? c.json(rules) : c.json({ error: 'this site never had such a version' }, 404);
  });

  routes.post('/rules/versions/:version/restore', async (c) => {
    const query = readQuery<Publishing>(c, 'restoreRules');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const old = await store.ruleVersion(c.get('site').siteKey, Number(c.req.param('version')));
    if (!old) return c.json({ error: 'this site never had such a version' }, 404);
    const parsed = parseRules(old);
    if ('errors' in parsed)
      return c.json({ error: `${UNTOUCHED}version ${old.version} is not valid any more`, ...parsed }, 400);
    return publish(c, parsed.rules, { note: `version ${old.version} again`, ...query });
  });

  routes.get('/rules/diff', async (c) => {
    const { siteKey, template: own } = c.get('site');
    const query = readQuery<{ template: string }>(c, 'diffRules');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const { template: name = own } = query;
    const template = readTemplate(name)!;
    return c.json({ template: name, changes: diffRules(template.rules, (await store.rules(siteKey)).at(-1)!.rules) });
  });

  routes.get('/rules/draft', async (c) => {
    const draft = await store.draft(c.get('site').siteKey);
    return draft ? c.json(draft) : c.json({ error: 'there is no draft of this site’s rules' }, 404);
  });

  /** Refuses where a draft is there that is not the one that is known. */
  const saveDraft = async (
    c: Context<SiteEnv>,
    operation: string,
    draft: Parameters<typeof store.saveDraft>[1],
  ): Promise<Response | undefined> => {
    const query = readQuery<{ after: number }>(c, operation);
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const other = await store.saveDraft(c.get('site').siteKey, draft, query.after);
    return other && otherwise(c, 'the draft was not changed: another was saved meanwhile', other.author, other.savedAt);
  };

  routes.put('/rules/draft', async (c) => {
    const body = await readJson(c);
    if (!isRecord(body) || isDeep(body, MAX_RULES_DEPTH))
      return c.json(
        { error: `the draft was not saved: the body must be a JSON object of at most ${MAX_RULES_DEPTH} levels` },
        400,
      );
    const { siteKey } = c.get('site');
    const other = await saveDraft(c, 'saveDraft', {
      rules: body,
      author: c.get('who').name ?? 'admin',
      savedAt: now(),
    });
    if (other) return other;
    const parsed = parseRules(body);
    const { errors = [] } = parsed as { errors?: object[] };
    return c.json({ ...(await store.draft(siteKey)), errors });
  });

  routes.delete('/rules/draft', async (c) => {
    const other = await saveDraft(c, 'dropDraft', null);
    if (other) return other;
    return c.json({ draft: null });
  });

  routes.get('/jobs/:id', async (c) => {
    const job = await store.job(c.get('site').siteKey, Number(c.req.param('id')));
    if (!job) return c.json({ error: 'this site has no such job' }, 404);
    const { id, kind, rules, state, done, total } = job;
    return c.json({ id, kind, rules, state, done, total });
  });
  return routes;
}

/** Reads rules, or everything that is wrong with them. */
async function readRules(c: Context) {
  const body = await readJson(c);
  if (body === undefined) return { error: `${UNTOUCHED}the body must be JSON` };
  const parsed = parseRules(body);
  if (!('errors' in parsed)) return parsed;
  const { path, message } = parsed.errors[0]!;
  return { error: `${UNTOUCHED}${path || 'the body'} ${message}`, errors: parsed.errors };
}
