/** What the collector can be asked, and what it answers: the document that is served, and that parameters are checked by. */
import { count, moment, date, list, nullable, record, ref, text, uuid } from './schema.js';
import { decode, STAGES } from '../sdk/core/index.js';
import { ROLES, USER_ROLES, WEEK_STARTS, type Role } from './store/store.js';
import {
  json,
  error,
  refusal,
  plain,
  body,
  siteKey,
  path,
  query,
  UNKNOWN_SITE,
  WRONG,
  type Operation,
} from './openapi/operation.js';
import { schemas } from './openapi/schemas.js';
import { ofSite } from './openapi/ofSite.js';

const open: object[] = [];
const weekStart = { enum: WEEK_STARTS, description: 'the day on which weeks of reports begin' };
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
  '/shared': {
    get: {
      operationId: 'followShare',
      summary:
        "Shows a site's reports to whoever has the token, as long as the link works, and goes on to the dashboard",
      security: open,
      parameters: [query('token', 'expected the token of a link')],
      responses: { 302: { description: 'On to the dashboard.' } },
    },
  },
  '/internal': {
    get: {
      operationId: 'showInternal',
      summary:
        "A page on which a browser of the site's own people is left out of reports, by a cookie of the collector's",
      security: open,
      responses: { 200: plain('The page.', 'text/html') },
    },
    post: {
      operationId: 'setInternal',
      summary: 'What the button of that page sends',
      security: open,
      requestBody: {
        required: true,
        content: { 'application/x-www-form-urlencoded': { schema: record({ internal: { enum: ['yes', 'no'] } }) } },
      },
      responses: {
        303: { description: 'Done; on to the page.' },
        400: error('Neither yes nor no.'),
        403: error('It was not sent from the page itself.'),
        413: error('More than the button sends.'),
      },
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
        403: error('From a page of another site.'),
        413: error('More than a token is.'),
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
  '/api/templates/{name}/demo': {
    get: {
      operationId: 'readTemplateDemo',
      summary: 'What a template makes of visitors who are invented for its trade; nothing is stored',
      parameters: [path('name', 'expected the name of a template')],
      responses: {
        200: json(
          'Where they stand, how many ever got so far, and how many have each tag.',
          record({
            visitors: count,
            stages: list(
              record({ stage: { enum: STAGES }, current: count, reached: count, fromPrevious: nullable('number') }),
            ),
            tags: list(record({ tag: text, visitors: count })),
          }),
        ),
        404: error('There is none of that name.'),
      },
    },
  },
  '/api/users': {
    get: {
      operationId: 'listUsers',
      'x-role': 'owner',
      summary: 'Who may do what',
      responses: { 200: json('Users.', record({ users: list(ref('User')) })) },
    },
    post: {
      operationId: 'addUser',
      'x-role': 'owner',
      summary: 'Adds a user. The token to sign in with is said once and kept nowhere',
      requestBody: body(record({ name: text, 'role?': { enum: USER_ROLES } })),
      responses: {
        201: json('The user.', { allOf: [ref('User'), record({ token: text })] }),
        400: WRONG,
        409: error('There is one of this name.'),
      },
    },
  },
  '/api/users/{name}': {
    delete: {
      operationId: 'removeUser',
      'x-role': 'owner',
      summary: 'Removes a user, and ends its sessions',
      parameters: [path('name', 'expected the name of a user')],
      responses: { 200: json('It is gone.', record({ user: { type: 'null' } })), 404: error('There is none.') },
    },
  },
  '/api/audit': {
    get: {
      operationId: 'readAudit',
      'x-role': 'owner',
      summary: 'Who changed what through the API, the latest first; the latest ten thousand are kept',
      parameters: [
        query('limit', 'expected a whole number from 1 to 1000', { type: 'integer', minimum: 1, maximum: 1000 }),
        query('before', 'expected the number of an entry', { type: 'integer' }),
      ],
      responses: { 200: json('Entries.', record({ entries: list(ref('AuditEntry')) })), 400: WRONG },
    },
  },
  '/api/sites': {
    get: {
      operationId: 'listSites',
      'x-role': 'guest',
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
          'currency?': text,
          'timeZone?': text,
          'retentionDays?': nullable('integer'),
          'internal?': list(text),
          'weekStart?': weekStart,
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
          'channels?': {
            type: 'object',
            additionalProperties: text,
            description: 'channels of sources that are not known or known wrongly, by the names of the sources',
          },
          'targets?': {
            type: 'object',
            additionalProperties: { type: 'number', exclusiveMinimum: 0 },
            description: 'what the measure of each stage should come to in 30 days',
          },
          'weekStart?': weekStart,
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
            channels: { type: 'object' },
            targets: { type: 'object' },
            weekStart,
            rulesVersion: count,
            createdAt: moment,
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
        if (operation.requestBody) operation.responses['413'] ??= error('The body is larger than 1 MiB.');
        operation.responses['403'] = error('It takes another role.');
      }

/** The least role that an operation takes. What is at no known path is only said not to be there. */
export const roleFor = (method: string, where: string): Role => roleOf(operationAt(method, where));

export const roleOf = (at: ReturnType<typeof operationAt>): Role =>
  at ? (at.operation['x-role'] ?? 'viewer') : 'owner';

const PATTERNS = Object.keys(paths).map((path) => ({
  path,
  pattern: new RegExp(`${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`),
}));

/** The operation that is asked for, with the values in its path; undefined where there is none. */
export function operationAt(
  method: string,
  where: string,
): { operation: Operation; values: Record<string, string> } | undefined {
  // Under a mount it does not begin there; of two that fit it is the one that says more.
  const [found] = PATTERNS.flatMap(({ path, pattern }) => {
    const at = where.search(pattern);
    return at < 0 ? [] : [{ path, pattern, at }];
  }).sort((a, b) => a.at - b.at);
  // A HEAD is answered as the GET would be.
  const operation = found && paths[found.path]![method === 'HEAD' ? 'get' : method.toLowerCase()];
  if (!operation) return undefined;
  const values = Object.entries(found.pattern.exec(where)!.groups ?? {});
  return { operation, values: Object.fromEntries(values.map(([name, value]) => [name, decode(value)])) };
}

/** Operations by path and method. */
export const OPERATIONS = paths;

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
