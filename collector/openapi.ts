/** What the collector can be asked, and what it answers: the document that is served, and that parameters are checked by. */
import { EVENT_REASONS, LINT_CODES, STAGES } from '../sdk/core/index.js';
import { EARLY_REFUSALS } from './ingest/door.js';
import { MAX_EVENTS, REFUSALS } from './ingest/ingest.js';
import { REPORT_SCHEMAS, REPORT_SUMMARIES } from './reports/schemas.js';
import { count, date, list, moment, nullable, number, record, ref, stage, text, uuid, type Schema } from './schema.js';
import { ROLES, type Role } from './store/store.js';
import { templateNames } from './templates.js';

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  required?: boolean;
  /** What is expected, as an error says it. */
  description: string;
  schema: Schema;
}

export interface Operation {
  summary: string;
  operationId: string;
  /** Least role of who signed in; a viewer where absent. */
  'x-role'?: Role;
  /** `[]` where nobody has to sign in. */
  security?: object[];
  parameters?: Parameter[];
  requestBody?: object;
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}

const state = { stage, peak: stage, tags: list(text), score: number, rules: count };
const facts: Schema = { type: 'object', description: 'counts by signal and UTC day; its form is given by `v`' };

const schemas: Record<string, Schema> = {
  Error: record({ error: text, 'reason?': text }),
  Event: record({
    id: uuid,
    name: { type: 'string', minLength: 1, maxLength: 128 },
    time: moment,
    'seq?': { type: 'integer', minimum: 1 },
    'sessionId?': { type: 'string', minLength: 1, maxLength: 64 },
    'url?': { type: 'string', maxLength: 8192 },
    'title?': text,
    'referrer?': text,
    'source?': { type: 'object', additionalProperties: text },
    'props?': { type: 'object' },
  }),
  Batch: record({
    siteKey: text,
    visitorId: { ...uuid, description: 'a UUID of version 7' },
    'userId?': { type: 'string', minLength: 1, maxLength: 256 },
    'proof?': { type: 'string', description: "hex HMAC-SHA256 of userId under the site's secret key" },
    'traits?': { type: 'object' },
    'sentAt?': moment,
    'sdk?': text,
    'rules?': { type: 'integer' },
    'lost?': count,
    events: { ...list(ref('Event')), maxItems: MAX_EVENTS },
  }),
  BatchAnswer: record({
    accepted: count,
    duplicates: count,
    rejected: list(record({ id: nullable('string'), reason: { enum: Object.keys(EVENT_REASONS) }, expected: text })),
    visitor: record({ ...state, asOf: moment, rev: count, have: list(list(count)), facts }),
    'ruleSet?': { type: 'object' },
  }),
  Refusal: record({ error: text, reason: { enum: [...Object.keys(REFUSALS), ...Object.keys(EARLY_REFUSALS)] } }),
  Token: record({ token: { type: 'string', description: 'a JWT, signed with EdDSA' }, expiresIn: count }),
  Touch: record({
    channel: text,
    source: nullable('string'),
    medium: nullable('string'),
    campaign: nullable('string'),
    referrer: nullable('string'),
    at: moment,
  }),
  Transition: record({ from: stage, to: stage, at: moment, cause: record({ kind: text }) }),
  Session: record({
    sessionId: text,
    startedAt: moment,
    endedAt: moment,
    events: count,
    channel: nullable('string'),
    bot: nullable('string'),
    device: nullable('string'),
    browser: nullable('string'),
    os: nullable('string'),
    country: nullable('string'),
    region: nullable('string'),
  }),
  VisitorSummary: record({
    visitorId: uuid,
    'userId?': text,
    ...state,
    rev: count,
    firstSeen: moment,
    lastSeen: moment,
    stageSince: moment,
    eventCount: count,
    lost: count,
    clockSkew: nullable('integer'),
    bot: nullable('string'),
    isJudged: { type: 'boolean' },
    firstTouch: { anyOf: [ref('Touch'), { type: 'null' }] },
    lastTouch: { anyOf: [ref('Touch'), { type: 'null' }] },
  }),
  Visitor: {
    allOf: [
      ref('VisitorSummary'),
      record({
        facts,
        traits: { type: 'object' },
        why: { type: 'object' },
        transitions: list(ref('Transition')),
        sessions: list(ref('Session')),
        events: list({ allOf: [ref('Event'), record({ 'timing?': { enum: ['late', 'future'] } })] }),
      }),
    ],
  },
  Site: record({
    siteKey: text,
    name: text,
    origins: list(text),
    timeZone: text,
    template: text,
    rulesVersion: count,
    retentionDays: nullable('integer'),
    internal: list(text),
    createdAt: moment,
    snippet: text,
    pinnedSnippet: text,
  }),
  Verdict: record({ visitorId: uuid, bot: nullable('string'), isJudged: { type: 'boolean' } }),
  Receipt: record({
    siteKey: text,
    visitors: count,
    events: count,
    transitions: count,
    deadLetters: count,
    erasedAt: moment,
    isWiped: { type: 'boolean' },
  }),
  Job: record({ id: count, kind: text, rules: count, state: { enum: ['running', 'done'] }, done: count, total: count }),
  Warning: record({ code: { enum: Object.keys(LINT_CODES) }, path: text, message: text }),
  RulesErrors: record({ error: text, 'errors?': list(record({ path: text, message: text })) }),
  Published: record({ version: count, 'job?': count, warnings: list(ref('Warning')) }),
  RuleVersion: record({
    version: count,
    name: nullable('string'),
    publishedAt: moment,
    since: { ...moment, description: 'from when on its signals match; 0 where everything was counted anew' },
    author: nullable('string'),
    note: nullable('string'),
    inForce: { type: 'boolean' },
  }),
  RuleDraft: record({
    rules: { type: 'object' },
    author: nullable('string'),
    savedAt: moment,
    basedOn: count,
    'errors?': list(record({ path: text, message: text })),
  }),
  Preview: record({
    asOf: moment,
    visitors: count,
    moves: list(record({ from: stage, to: stage, visitors: count })),
    stages: list(record({ stage: { enum: STAGES }, before: count, after: count })),
    tags: list(record({ tag: text, before: count, after: count })),
    examples: list(
      record({ visitorId: uuid, userId: nullable('string'), from: stage, to: stage, why: { type: 'object' } }),
    ),
    exactFrom: { type: ['string', 'null'], format: 'date' },
  }),
  Label: record({ en: text, zh: text }),
  Template: record({
    name: text,
    title: ref('Label'),
    about: ref('Label'),
    kpis: {
      ...record(
        Object.fromEntries(
          STAGES.map((each) => [
            each,
            record({ label: ref('Label'), signal: text, measure: { enum: ['visitors', 'count', 'value'] } }),
          ]),
        ),
      ),
      description: 'by what each stage is measured',
    },
  }),
  Rules: record({
    version: count,
    signals: { type: 'object' },
    stages: { type: 'object' },
    'tags?': { type: 'object' },
  }),
  ...REPORT_SCHEMAS,
};

const json = (description: string, schema: Schema) => ({ description, content: { 'application/json': { schema } } });
const error = (description: string) => json(description, ref('Error'));
const refusal = (description: string) => json(description, ref('Refusal'));
const plain = (description: string, type: string) => ({ description, content: { [type]: { schema: text } } });
const body = (schema: Schema) => ({ required: true, content: { 'application/json': { schema } } });

const siteKey: Parameter = {
  name: 'siteKey',
  in: 'path',
  required: true,
  description: 'expected the key of a site',
  schema: text,
};
const path = (name: string, description: string, schema = text): Parameter => ({
  name,
  in: 'path',
  required: true,
  description,
  schema,
});
const query = (name: string, description: string, schema = text): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
const visitorId = path('visitorId', 'expected the id of a visitor');
const who = path('who', 'expected the id of a visitor or of a user');
const day = (name: string) => query(name, 'expected a day such as 2026-01-31', date);
const ruleVersion = path('version', 'expected the number of a version');
/** How rules are put in force. */
const publishing = [
  query('apply', 'expected all or now', { enum: ['all', 'now'] }),
  query('wait', 'expected true or false', { enum: ['true', 'false'] }),
  query('confirm', 'expected true or false', { enum: ['true', 'false'] }),
  query('note', 'expected a text of at most 500 characters', { ...text, maxLength: 500 }),
];
const UNKNOWN_SITE = error('No site has this key, or what was asked for is not there.');
const WRONG = error('What was expected is said.');

const published = {
  200: json('The new version.', ref('Published')),
  400: json('What is wrong.', ref('RulesErrors')),
  409: json('Nobody could ever meet a condition, and that was not confirmed.', ref('Error')),
};

/** Everything below a site needs the admin token or a session. */
const ofSite: Record<string, Record<string, Operation>> = {
  '/visitors': {
    get: {
      operationId: 'listVisitors',
      summary: 'Visitors, latest seen first',
      parameters: [
        query('limit', 'expected a whole number from 1 to 200', { type: 'integer', minimum: 1, maximum: 200 }),
        query('seenBefore', 'expected epoch milliseconds', { type: 'integer' }),
      ],
      responses: { 200: json('Visitors.', record({ visitors: list(ref('VisitorSummary')) })), 400: WRONG },
    },
  },
  '/visitors/{visitorId}': {
    get: {
      operationId: 'readVisitor',
      summary:
        'Where a visitor stands, why, and how it came there; where it is proven whose visitor it is, of all that are theirs',
      parameters: [visitorId],
      responses: { 200: json('The visitor.', ref('Visitor')) },
    },
  },
  '/visitors/{visitorId}/why': {
    get: {
      operationId: 'explainVisitor',
      summary: 'Why a stage or a tag holds for a visitor or not, what is missing, and the events behind it',
      parameters: [
        visitorId,
        query('stage', `expected one of ${STAGES.join(', ')}; the current one where absent`, { enum: STAGES }),
        query('tag', 'expected the name of a tag'),
      ],
      responses: {
        200: json(
          'Why.',
          record({
            met: { type: 'boolean' },
            rules: count,
            because: nullable('object'),
            events: list(record({ id: uuid, name: text, time: moment, url: nullable('string'), signals: list(text) })),
          }),
        ),
        400: WRONG,
      },
    },
  },
  '/visitors/{visitorId}/link': {
    delete: {
      operationId: 'unlinkVisitor',
      'x-role': 'editor',
      summary: "Makes a visitor nobody's again",
      parameters: [visitorId],
      responses: { 200: json('Whose it was.', record({ visitorId: uuid, userId: nullable('string') })) },
    },
  },
  '/visitors/{visitorId}/bot': {
    put: {
      operationId: 'judgeVisitor',
      'x-role': 'editor',
      summary: 'Says why a visitor is a bot and left out of reports, or that it is none: whatever its events say',
      parameters: [visitorId],
      requestBody: body(record({ bot: { ...nullable('string'), pattern: '^\\w{1,64}$' } })),
      responses: { 200: json('What holds.', ref('Verdict')), 400: WRONG },
    },
    delete: {
      operationId: 'unjudgeVisitor',
      'x-role': 'editor',
      summary: 'Takes back what was said by hand: its events say again what it is',
      parameters: [visitorId],
      responses: { 200: json('What holds.', ref('Verdict')) },
    },
  },
  '/people/{who}/export': {
    get: {
      operationId: 'exportPerson',
      'x-role': 'owner',
      summary: 'Everything that is kept of a visitor, or of every visitor that carries a user id',
      parameters: [who],
      responses: { 200: json('All of it.', record({ exportedAt: moment, visitors: list({ type: 'object' }) })) },
    },
  },
  '/people/{who}': {
    delete: {
      operationId: 'forgetPerson',
      'x-role': 'owner',
      summary: 'Erases a visitor, or every visitor that carries a user id',
      parameters: [who],
      responses: { 200: json('What was erased.', ref('Receipt')) },
    },
  },
  '/events.ndjson': {
    get: {
      operationId: 'readEvents',
      summary: 'Every stored event as it was sent, with visitorId, receivedAt and bot, one a line',
      parameters: [
        day('from'),
        day('to'),
        query('name', 'expected the name of an event'),
        query('visitor', 'expected a visitor id', { ...uuid }),
      ],
      responses: { 200: plain('Events, one JSON object a line.', 'application/x-ndjson'), 400: WRONG },
    },
  },
  '/rules': {
    get: {
      operationId: 'readRules',
      summary: 'The rules in force',
      responses: { 200: json('Rules.', ref('Rules')) },
    },
    put: {
      operationId: 'publishRules',
      'x-role': 'editor',
      summary: 'Publishes a new version of the rules',
      parameters: publishing,
      requestBody: body(ref('Rules')),
      responses: published,
    },
  },
  '/rules/preview': {
    post: {
      operationId: 'previewRules',
      summary: 'What publishing these rules would do to every visitor: who would move, and why',
      parameters: [publishing[0]!],
      requestBody: body(ref('Rules')),
      responses: { 200: json('What would happen.', ref('Preview')), 400: json('What is wrong.', ref('RulesErrors')) },
    },
  },
  '/rules/lint': {
    post: {
      operationId: 'lintRules',
      summary: 'Everything that is wrong with rules, and what is odd about them',
      requestBody: body(ref('Rules')),
      responses: {
        200: json(
          'That.',
          record({ errors: list(record({ path: text, message: text })), warnings: list(ref('Warning')) }),
        ),
      },
    },
  },
  '/rules/versions': {
    get: {
      operationId: 'listRuleVersions',
      summary: 'Every version of the rules, the latest first',
      responses: { 200: json('Versions.', record({ versions: list(ref('RuleVersion')) })) },
    },
  },
  '/rules/versions/{version}': {
    get: {
      operationId: 'readRuleVersion',
      summary: 'The rules of a version',
      parameters: [ruleVersion],
      responses: { 200: json('Rules.', ref('Rules')) },
    },
  },
  '/rules/versions/{version}/restore': {
    post: {
      operationId: 'restoreRules',
      'x-role': 'editor',
      summary: 'Publishes the rules of a version once more, as a new version',
      parameters: [ruleVersion, ...publishing],
      responses: published,
    },
  },
  '/rules/diff': {
    get: {
      operationId: 'diffRules',
      summary: "In what a site's rules differ from a template's, its own one where none is named",
      parameters: [query('template', `expected one of ${templateNames().join(', ')}`, { enum: templateNames() })],
      responses: {
        200: json(
          'Differences.',
          record({ template: text, changes: list(record({ path: text, 'template?': {}, 'site?': {} })) }),
        ),
        400: WRONG,
      },
    },
  },
  '/rules/draft': {
    get: {
      operationId: 'readDraft',
      summary: 'The rules that somebody is at',
      responses: { 200: json('The draft.', ref('RuleDraft')) },
    },
    put: {
      operationId: 'saveDraft',
      'x-role': 'editor',
      summary: 'Keeps a draft of rules, valid or not, in place of the one before',
      requestBody: body({ type: 'object' }),
      responses: { 200: json('The draft, and what is wrong with it.', ref('RuleDraft')), 400: WRONG },
    },
    delete: {
      operationId: 'dropDraft',
      'x-role': 'editor',
      summary: 'Drops the draft',
      responses: { 200: json('Dropped.', record({ draft: { type: 'null' } })) },
    },
  },
  '/jobs/{id}': {
    get: {
      operationId: 'readJob',
      summary: 'How far a job is',
      parameters: [path('id', 'expected the number of a job')],
      responses: { 200: json('The job.', ref('Job')) },
    },
  },
  '/reports/{name}': {
    get: {
      operationId: 'readReport',
      summary: Object.entries(REPORT_SUMMARIES)
        .map(([name, summary]) => `\`${name}\`: ${summary}`)
        .join('; '),
      parameters: [
        path('name', 'expected the name of a report'),
        day('from'),
        day('to'),
        query('steps', 'of a funnel: expected stage:NAME, signal:NAME, event:NAME or page:GLOB, with commas between'),
        query('order', 'of a funnel: expected ordered, strict or any', { enum: ['ordered', 'strict', 'any'] }),
        query('window', 'of a funnel: expected days, up to 3660', {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 3660,
        }),
        query('perStep', 'of a funnel: expected true, where the window begins anew with each step, or false', {
          type: 'boolean',
        }),
        query('by', 'of a funnel: expected channel, source, medium or campaign', {
          enum: ['channel', 'source', 'medium', 'campaign'],
        }),
        query('stage', `of attribution and common: expected one of ${STAGES.join(', ')}`, { enum: STAGES }),
        query('signal', 'of rfm: expected the name of a signal that has a value'),
        query('period', 'of lifecycle: expected day, week or month', { enum: ['day', 'week', 'month'] }),
      ],
      responses: { 200: json('The report.', { anyOf: Object.keys(REPORT_SCHEMAS).map(ref) }), 400: WRONG },
    },
  },
};

const open: object[] = [];
const bySecret = [{ secretKey: [] }, {}];

const paths: Record<string, Record<string, Operation>> = {
  '/v1/events': {
    post: {
      operationId: 'sendEvents',
      summary: "Stores a visitor's events, and answers where the visitor stands when they are on disk",
      security: bySecret,
      requestBody: {
        required: true,
        content: { 'application/json': { schema: ref('Batch') }, 'text/plain': { schema: ref('Batch') } },
      },
      responses: {
        200: json('Every event that is not in `rejected` is on disk.', ref('BatchAnswer')),
        400: refusal('Nothing of it can be read.'),
        403: refusal('Not from here.'),
        413: refusal('Too large: send it in several batches.'),
        429: refusal('Too often: send it again after `Retry-After`.'),
        503: refusal('Nothing was stored: send it again after `Retry-After`.'),
      },
    },
  },
  '/v1/token': {
    post: {
      operationId: 'signToken',
      summary: 'What is known of a visitor, signed. Gate what is worth something on `provenStage` alone',
      security: open,
      requestBody: body(record({ siteKey: text, visitorId: uuid })),
      responses: {
        200: json('The token.', ref('Token')),
        400: WRONG,
        403: error('Not from here.'),
        404: error('Nothing of this visitor is stored.'),
        413: WRONG,
        429: error('Too often: ask again after `Retry-After`.'),
      },
    },
  },
  '/v1/pages': {
    post: {
      operationId: 'addPages',
      summary: "Says that the site's own server served pages: the loss report holds the page views against them",
      security: [{ secretKey: [] }],
      requestBody: body(record({ siteKey: text, 'pages?': { type: 'integer', minimum: 1, maximum: 1_000_000 } })),
      responses: {
        200: json('What was added to which day.', record({ day: date, pages: count })),
        400: WRONG,
        403: error("It takes the site's secret key."),
        413: WRONG,
      },
    },
  },
  '/.well-known/jwks.json': {
    get: {
      operationId: 'readKeys',
      summary: 'The keys that tokens are verified with',
      security: open,
      responses: { 200: json('A JWK set.', record({ keys: list({ type: 'object' }) })) },
    },
  },
  '/t/{file}': {
    get: {
      operationId: 'readTag',
      summary: 'The script tag of a site, `KEY.js`, and the files that it loads',
      security: open,
      parameters: [path('file', 'expected the name of a file')],
      responses: {
        200: plain('The script.', 'text/javascript'),
        304: { description: 'It is as it was.' },
        404: plain('No site has this key.', 'text/javascript'),
      },
    },
  },
  '/rules.schema.json': {
    get: {
      operationId: 'readRulesSchema',
      summary: 'The JSON Schema of rules, for editors',
      security: open,
      responses: { 200: json('A JSON Schema.', { type: 'object' }) },
    },
  },
  '/healthz': {
    get: {
      operationId: 'isAlive',
      summary: 'Whether the process answers',
      security: open,
      responses: { 200: json('It does.', record({ status: text })) },
    },
  },
  '/readyz': {
    get: {
      operationId: 'isReady',
      summary: 'Whether events can be stored',
      security: open,
      responses: {
        200: json('They can.', record({ status: text })),
        503: json('They cannot.', record({ status: text, error: text })),
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'readMetrics',
      summary: 'Figures for Prometheus',
      security: open,
      responses: { 200: plain('Figures.', 'text/plain') },
    },
  },
  '/sign-in': {
    get: {
      operationId: 'followLink',
      summary: 'Signs in with the token of a link, which works once, and goes on to the dashboard',
      security: open,
      parameters: [query('token', 'expected the token of a link')],
      responses: { 302: { description: 'On to the dashboard.' } },
    },
  },
  '/api/session': {
    get: {
      operationId: 'readSession',
      summary: 'Whether somebody is signed in',
      security: open,
      responses: { 200: json('That.', record({ signedIn: { type: 'boolean' }, 'role?': { enum: ROLES } })) },
    },
    post: {
      operationId: 'signIn',
      summary: 'Signs in with the admin token or the token of a link; sets a cookie',
      security: open,
      requestBody: body(record({ token: text })),
      responses: {
        200: json('Signed in.', record({ signedIn: { type: 'boolean' } })),
        401: error('No such token.'),
        429: error('Too many tries.'),
      },
    },
    delete: {
      operationId: 'signOut',
      summary: 'Signs out',
      security: open,
      responses: { 200: json('Signed out.', record({ signedIn: { type: 'boolean' } })) },
    },
  },
  '/api/templates': {
    get: {
      operationId: 'listTemplates',
      summary: 'Ready-made rules for a trade',
      responses: { 200: json('Templates.', record({ templates: list(ref('Template')) })) },
    },
  },
  '/api/templates/{name}': {
    get: {
      operationId: 'readTemplate',
      summary: 'A template with its rules',
      parameters: [path('name', 'expected the name of a template')],
      responses: {
        200: json('The template.', { allOf: [ref('Template'), record({ rules: ref('Rules') })] }),
        404: error('There is none of that name.'),
      },
    },
  },
  '/api/sites': {
    get: {
      operationId: 'listSites',
      summary: 'All sites',
      responses: { 200: json('Sites.', record({ sites: list(ref('Site')) })) },
    },
    post: {
      operationId: 'addSite',
      'x-role': 'owner',
      summary: 'Adds a site',
      requestBody: body(
        record({
          name: text,
          origins: list(text),
          'template?': text,
          'timeZone?': text,
          'retentionDays?': nullable('integer'),
          'internal?': list(text),
        }),
      ),
      responses: {
        201: json('Its keys.', record({ siteKey: text, secretKey: text, snippet: text })),
        400: WRONG,
      },
    },
  },
  '/api/sites/{siteKey}': {
    patch: {
      operationId: 'changeSite',
      'x-role': 'owner',
      summary:
        'Changes what is given of a site. Raw events older than `retentionDays` are removed within the hour, for good',
      parameters: [siteKey],
      requestBody: body(
        record({
          'name?': text,
          'origins?': list(text),
          'timeZone?': text,
          'retentionDays?': { ...nullable('integer'), minimum: 30 },
          'internal?': {
            ...list(text),
            description: "addresses and networks of the site's own people, who are left out of reports",
          },
        }),
      ),
      responses: {
        200: json(
          'The site.',
          record({
            siteKey: text,
            name: text,
            origins: list(text),
            timeZone: text,
            retentionDays: nullable('integer'),
            internal: list(text),
          }),
        ),
        400: WRONG,
        404: UNKNOWN_SITE,
      },
    },
  },
  '/api/openapi.json': {
    get: {
      operationId: 'readOpenapi',
      summary: 'This document',
      responses: { 200: json('An OpenAPI document.', { type: 'object' }) },
    },
  },
};

for (const [below, operations] of Object.entries(ofSite)) {
  paths[`/api/sites/{siteKey}${below}`] = Object.fromEntries(
    Object.entries(operations).map(([method, { parameters = [], responses, ...rest }]) => [
      method,
      { ...rest, parameters: [siteKey, ...parameters], responses: { ...responses, 404: UNKNOWN_SITE } },
    ]),
  );
}
for (const [where, operations] of Object.entries(paths))
  if (where.startsWith('/api/'))
    for (const operation of Object.values(operations))
      if (!operation.security) {
        operation.responses['401'] = error('Sign in first.');
        operation.responses['403'] = error('It takes another role.');
      }

/** The least role that an operation takes. What is at no known path is only said not to be there. */
export function roleFor(method: string, where: string): Role {
  const path = Object.keys(paths).find((each) => new RegExp(`${each.replace(/\{\w+\}/g, '[^/]+')}/?$`).test(where));
  // A HEAD is answered as the GET would be.
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  const operation = path && paths[path]![name];
  return operation ? (operation['x-role'] ?? 'viewer') : 'owner';
}

/** Operations by path and method. */
export const OPERATIONS = paths;

export const SCHEMAS = schemas;

/** The document, for a collector at this address. */
export const openapiFor = (base: string, version: string): object => ({
  openapi: '3.1.0',
  info: {
    title: 'Stagetag collector',
    version,
    description: 'Events in; where each visitor stands in the funnel, and why, out.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: base }],
  security: [{ adminToken: [] }, { session: [] }],
  paths,
  components: {
    schemas,
    securitySchemes: {
      adminToken: { type: 'http', scheme: 'bearer', description: 'The admin token.' },
      session: { type: 'apiKey', in: 'cookie', name: 'stagetag_session', description: 'What signing in sets.' },
      secretKey: { type: 'http', scheme: 'bearer', description: "The site's secret key." },
    },
  },
});
