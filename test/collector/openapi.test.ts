import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../collector/openapi.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { REPORTS } from '../../collector/reports/reports.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, ORIGIN, type TestCollector } from '../helpers/collector.js';

interface Document {
  paths: typeof OPERATIONS;
  components: object;
}

const authorised = { Authorization: `Bearer ${ADMIN}` };

const documentOf = async ({ app }: TestCollector): Promise<Document> =>
  (await app.request('/api/openapi.json', { headers: authorised })).json() as Promise<Document>;

/** Every operation of the document. */
const all = Object.entries(OPERATIONS).flatMap(([where, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({ where, method: method.toUpperCase(), operation })),
);

test('the document is valid OpenAPI 3.1, and is for those who signed in', async () => {
  const collector = await makeCollector({ mount: '/stagetag' });
  const document = (await (
    await collector.app.request('http://collector.example/stagetag/api/openapi.json', { headers: authorised })
  ).json()) as Document & { servers: object[] };
  expect(await new Validator().validate(structuredClone(document) as object as Record<string, unknown>)).toEqual({
    valid: true,
  });
  expect(document.servers).toEqual([{ url: 'http://collector.example/stagetag' }]);
  expect((await collector.app.request('/stagetag/api/openapi.json')).status).toBe(401);
});

test('every route is in the document, and nothing else', async () => {
  const { app } = await makeCollector();
  const routes = app.routes
    .filter(
      ({ method, path }) => method !== 'ALL' && method !== 'OPTIONS' && path !== '/' && !path.startsWith('/assets'),
    )
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  expect([...new Set(routes)].sort()).toEqual(all.map(({ where, method }) => `${method} ${where}`).sort());
});

/** Asks for an operation, with what its path and body need. */
async function ask(
  { app }: TestCollector,
  { where, method, operation }: (typeof all)[number],
  values: Record<string, string>,
  bodies: Record<string, unknown> = {},
  secretKey = '',
): Promise<Response> {
  const body = bodies[operation.operationId];
  return app.request(
    where.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name]!)),
    {
      method,
      headers: {
        // A page of the collector's own, not of the site's.
        Origin: where === '/internal' ? 'http://localhost' : ORIGIN,
        ...(where.startsWith('/api') && authorised),
        ...(where === '/v1/pages' && { Authorization: `Bearer ${secretKey}` }),
      },
      ...(body !== undefined && { body: body instanceof URLSearchParams ? body : JSON.stringify(body) }),
    },
  );
}

describe('answers are as the document says', () => {
  test.each(all)('$method $where', async (asked) => {
    const collector = await makeCollector();
    const { site, send, store } = collector;
    const document = await documentOf(collector);
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema({ $id: 'document', ...document });
    const fits = async (response: Response) => {
      const declared = asked.operation.responses[response.status];
      // What has no end is not read to it.
      if (!declared) throw new Error(`${response.status} is not declared: ${await response.text()}`);
      const [type, content] = Object.entries(declared.content ?? {})[0] ?? [];
      if (!type) return;
      expect(response.headers.get('Content-Type')).toContain(type);
      if (type !== 'application/json') return;
      const schema = JSON.parse(JSON.stringify(content!.schema).replaceAll('"#/', '"document#/')) as object;
      const isValid = ajv.compile(schema);
      expect(isValid(await response.json()), JSON.stringify(isValid.errors)).toBe(true);
    };

    const visitorId = newId();
    const secret = { Authorization: `Bearer ${site.secretKey}` };
    await send(visitorId, [makeEvent('page_view'), makeEvent('purchase')], { userId: 'u1' }, secret);
    const job = await store.addJob(site.siteKey, 1);
    const values = {
      siteKey: site.siteKey,
      visitorId,
      who: 'u1',
      id: String(job.id),
      name: asked.operation.operationId.startsWith('readTemplate') ? 'retail' : 'stages',
      version: '1',
      channel: 'Email',
      file: 'debug.js',
    };
    await store.saveDraft(site.siteKey, { rules: {}, author: 'Ada', savedAt: NOW });
    const saved = { name: 'A', when: { stage: ['action'] }, author: null, savedAt: NOW };
    // The operations share an id: that of a job, of an audience, of a note, a view and a link; and a name: that of a report and a user.
    while (((await store.saveAudience(site.siteKey, { ...saved, people: null })) as number) < job.id);
    const by = { author: null, savedAt: NOW };
    while ((await store.addAnnotation(site.siteKey, { day: '2026-11-20', text: 'A', ...by })) < job.id);
    while ((await store.addView(site.siteKey, { name: 'A', address: 'board', ...by })) < job.id);
    while ((await store.addShare(site.siteKey, { address: 'board', expiresAt: NOW + 1, ...by }, newId())) < job.id);
    await store.addUser({ name: 'stages', role: 'viewer', createdAt: NOW }, 'hash');
    const { rules } = (await store.rules(site.siteKey))[0]!;
    const bodies = {
      addAnnotation: { day: '2026-11-20', text: 'B' },
      addView: { name: 'B', address: 'flow?days=90' },
      addShare: { address: 'board' },
      addUser: { name: 'Ada' },
      addAudience: { name: 'B', when: { stage: ['action'] } },
      changeAudience: { name: 'B', when: { stage: ['action'] } },
      countAudience: { when: { stage: ['action'] } },
      sendEvents: { siteKey: site.siteKey, visitorId, events: [makeEvent('page_view'), { id: 7 }] },
      signToken: { siteKey: site.siteKey, visitorId },
      setInternal: new URLSearchParams({ internal: 'yes' }),
      signIn: { token: ADMIN },
      addSite: { name: 'New', origins: ['https://new.example'] },
      publishRules: rules,
      previewRules: rules,
      lintRules: rules,
      saveDraft: rules,
      changeSite: { retentionDays: 90 },
      judgeVisitor: { bot: null },
      addPages: { siteKey: site.siteKey },
      setCosts: { costs: [{ day: '2026-11-20', channel: 'Email', cost: 3.5 }] },
    };
    const response = await ask(collector, asked, values, bodies, site.secretKey);
    expect(response.status).toBeLessThan(400);
    await fits(response);
    if (asked.operation.operationId === 'readReport')
      for (const name of REPORTS) await fits(await ask(collector, asked, { ...values, name }));

    // What goes wrong is declared as well.
    await store.saveDraft(site.siteKey, null);
    const nowhere = {
      ...values,
      visitorId: newId(),
      who: 'nobody',
      id: '99',
      version: '99',
      name: 'none',
      file: 'st_none.js',
    };
    await fits(
      await ask(collector, asked, nowhere, {
        ...bodies,
        signIn: { token: 'x' },
        publishRules: {},
        previewRules: {},
        saveDraft: [],
        addSite: {},
        changeSite: { retentionDays: 1 },
      }),
    );
    await fits(await ask(collector, asked, { ...nowhere, siteKey: 'st_none' }, { sendEvents: {}, signToken: {} }));
    for (const parameter of (asked.operation.parameters ?? []).filter((each) => each.in === 'query')) {
      if (parameter.name === 'token' || (parameter.schema.type === 'string' && !parameter.schema.format)) continue;
      const url = `${asked.where.replace(/\{(\w+)\}/g, (_, name: string) => values[name as 'id'])}?${parameter.name}=~`;
      const wrong = await collector.app.request(url, {
        method: asked.method,
        headers: authorised,
        body: asked.method === 'PUT' ? '{}' : undefined,
      });
      expect(wrong.status).toBe(400);
      expect(await wrong.json()).toEqual({ error: `${parameter.name}: ${parameter.description}` });
    }
  });
});

/** The first piece of what has no end. */
async function firstOf(response: Response): Promise<string> {
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

test('no route below a site shows or changes anything of another site', async () => {
  const collector = await makeCollector();
  const { site, send, store, app } = collector;
  const other = (await addSite(store, { name: 'Other', origins: ['https://other.example'] }, NOW)) as Site;
  const mine = newId();
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  await send(mine, [makeEvent('page_view', { title: 'mine-title' })], { userId: 'mine-user' }, secret);
  const job = await store.addJob(site.siteKey, 1);
  const snapshot = async () =>
    JSON.stringify([await collector.visitor(mine), await collector.ndjson(), await store.rules(site.siteKey)]);
  const before = await snapshot();
  const { rules } = (await store.rules(other.siteKey))[0]!;
  let asked = 0;
  for (const each of all.filter(({ where }) => where.includes('{siteKey}'))) {
    for (const who of [mine, 'mine-user']) {
      const values = { siteKey: other.siteKey, visitorId: mine, who, id: String(job.id), name: 'stages' };
      const response = await ask(collector, each, values, { publishRules: { ...rules, tags: {} } });
      const isEndless = response.headers.get('Content-Type') === 'text/event-stream';
      const text = isEndless ? await firstOf(response) : await response.text();
      for (const planted of [mine, 'mine-title', 'mine-user']) expect(text).not.toContain(planted);
      asked++;
    }
  }
  expect(asked).toBeGreaterThan(18);
  const token = await app.request('/v1/token', {
    method: 'POST',
    headers: { Origin: 'https://other.example' },
    body: JSON.stringify({ siteKey: other.siteKey, visitorId: mine }),
  });
  expect(token.status).toBe(404);
  expect(await snapshot()).toBe(before);
});
