/** Operations below a site. */
import { count, date, list, moment, nullable, number, record, ref, stage, text, uuid } from '../schema.js';
import { STAGES } from '../../sdk/core/index.js';
import { CREDITED } from '../reports/journeys.js';
import { DID } from '../reports/choosePeople.js';
import { COUNTED } from '../reports/countedPeople.js';
import { FATES } from '../reports/flow.js';
import { BREAKDOWNS } from '../reports/funnel.js';
import { REPORT_SCHEMAS, REPORT_SUMMARIES } from '../reports/schemas.js';
import { templateNames } from '../templates.js';
import {
  basedOn,
  body,
  bodyOrTable,
  day,
  draftAfter,
  error,
  json,
  path,
  plain,
  published,
  publishing,
  query,
  ruleVersion,
  type Operation,
  visitorId,
  who,
  WRONG,
} from './operation.js';

const audienceId = path('id', 'expected the number of an audience');

/** What a funnel is asked for. */
const FUNNEL = [
  query(
    'steps',
    'of a funnel: expected stage:NAME, signal:NAME, event:NAME or page:GLOB, with commas between; one with ? at its end may be left out',
  ),
  query('order', 'of a funnel: expected ordered, strict or any', { enum: ['ordered', 'strict', 'any'] }),
  query('hold', 'of a funnel: expected path, props.KEY or source.KEY, of which all steps must have the same', {
    type: 'string',
    pattern: '^(path|(props|source)\\..+)$',
  }),
  query('window', 'of a funnel: expected days, up to 3660', {
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 3660,
  }),
  query('perStep', 'of a funnel: expected true, where the window begins anew with each step, or false', {
    type: 'boolean',
  }),
  query('by', `of a funnel: expected one of ${BREAKDOWNS.join(', ')}; of attribution: one of ${CREDITED.join(', ')}`, {
    enum: BREAKDOWNS,
  }),
];

/** Everything below a site needs the admin token or a session. */
const PREPARING = json(
  'What reports need of a large site is being read, for once, or its visitors are made anew under other rules: ask again after `Retry-After`.',
  record({ error: text, preparing: { type: 'number', minimum: 0, maximum: 1, description: 'how far that is' } }),
);

export const ofSite: Record<string, Record<string, Operation>> = {
  '/visitors': {
    get: {
      operationId: 'listVisitors',
      summary: 'Visitors, latest seen first',
      parameters: [
        query('limit', 'expected a whole number from 1 to 200', { type: 'integer', minimum: 1, maximum: 200 }),
        query('seenBefore', 'expected epoch milliseconds', { type: 'integer' }),
        query('after', 'expected the id of a visitor: of those seen at `seenBefore` it goes on after this one', uuid),
        query('stage', `expected one of ${STAGES.join(', ')}, none`, { enum: [...STAGES, 'none'] }),
        query('tag', 'expected the name of a tag', { type: 'string', minLength: 1 }),
        query('channel', 'expected the name of a channel, that of the first visit', { type: 'string', minLength: 1 }),
        query('user', 'expected the id of a user', { type: 'string', minLength: 1 }),
        query('find', 'expected how the id of a user begins, or four characters or more of the id of a visitor', {
          type: 'string',
          minLength: 1,
        }),
        query('reached', `expected one of ${STAGES.join(', ')}: those who got there from \`from\` to \`to\``, {
          enum: STAGES,
        }),
        query(
          'fate',
          `with \`reached\`, \`step\` or \`counted\`: expected one of ${FATES.join(', ')}, as in the report flow`,
          {
            enum: FATES,
          },
        ),
        ...FUNNEL,
        query('step', 'with `steps`: expected the place of one of them, from 1: those who made it', {
          type: 'integer',
          minimum: 1,
          maximum: 20,
        }),
        query(
          'moved',
          'expected FROM:TO, stages, `new` or `dormant`: who moved so from `from` to `to`, as in the report flow',
        ),
        query('lastPage', 'expected the path of a page: those who saw it last of all'),
        query('value', 'with `by`: those alone of this row; empty for those who have none'),
        query(
          'did',
          `expected one of ${DID.map((each) => `${each}:NAME`).join(', ')}: who did that from \`from\` to \`to\``,
        ),
        query(
          'counted',
          `expected a number of a report, whom it counts from \`from\` to \`to\`: ${COUNTED.join('; ')}`,
        ),
        query('period', 'with `counted` of lifecycle and cohorts: expected day, week or month', {
          enum: ['day', 'week', 'month'],
        }),
        query('audience', 'expected the number of an audience that keeps who met it when it was saved: who is in it', {
          type: 'integer',
          minimum: 1,
        }),
        query('when', 'expected the JSON of a condition, as audiences have it: who meets it now'),
        query('rules', 'expected the number of a version of the rules; the one in force where absent', {
          type: 'integer',
          minimum: 1,
        }),
        query('dormantAfter', 'with `fate`: expected days from 1 to 3660; 30 where absent', {
          type: 'integer',
          minimum: 1,
          maximum: 3660,
        }),
        day('from'),
        day('to'),
      ],
      responses: {
        200: json(
          'Visitors; where anything of them was asked for, `count` says how many there are in all.',
          record({ visitors: list(ref('VisitorSummary')), 'count?': count }),
        ),
        400: WRONG,
        503: PREPARING,
      },
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
            because: { anyOf: [ref('Reason'), { type: 'null' }] },
            'stage?': stage,
            'sticky?': { type: 'boolean' },
            'next?': { anyOf: [record({ stage, missing: list(ref('Reason')) }), { type: 'null' }] },
            'tag?': text,
            'missing?': list(ref('Reason')),
            events: list(
              record({
                id: uuid,
                name: text,
                time: moment,
                url: nullable('string'),
                signals: list(text),
                'traits?': list(text),
              }),
            ),
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
  '/groups': {
    post: {
      operationId: 'setGroups',
      'x-role': 'editor',
      summary:
        'Sets the traits `stagetag.rfm` and `stagetag.lifecycle` of everybody anew, as far as the rules ask for them; this is done every night too',
      responses: { 200: json('How many there are, and whose changed.', record({ people: count, changed: count })) },
    },
  },
  '/costs': {
    get: {
      operationId: 'readCosts',
      summary: 'What channels cost, by day',
      parameters: [day('from'), day('to')],
      responses: { 200: json('Costs.', record({ costs: list(ref('Cost')) })), 400: WRONG },
    },
    put: {
      operationId: 'setCosts',
      'x-role': 'editor',
      summary:
        'Says what channels cost on days, in the place of all that was said of the same channels and sources on the same days before, null takes it back; a medium or campaign may be named too. As JSON, or as `text/csv` with a line that names the columns. Attribution then tells what an entry costs and what comes back',
      parameters: [
        query('dry', 'expected true, to be told what would be replaced and change nothing, or false', {
          type: 'boolean',
        }),
      ],
      requestBody: bodyOrTable(
        record({
          costs: list(
            record({
              day: date,
              channel: text,
              'source?': nullable('string'),
              'medium?': nullable('string'),
              'campaign?': nullable('string'),
              cost: nullable('number'),
            }),
          ),
        }),
      ),
      responses: {
        200: json(
          'How many were taken, of which days, and how many were there in their place; and channels that no report knows, whose costs stand by themselves.',
          record({
            costs: count,
            replaced: count,
            from: nullable('string'),
            to: nullable('string'),
            unknownChannels: list(text),
          }),
        ),
        400: WRONG,
      },
    },
  },
  '/costs/{channel}': {
    delete: {
      operationId: 'removeCosts',
      'x-role': 'editor',
      summary:
        'Takes back what was said of a channel with just this source, medium and campaign, or with none of these where they are not given, from one day to another',
      parameters: [
        path('channel', 'expected the name of a channel'),
        query('source', 'expected the source, where one was named'),
        query('medium', 'expected the medium, where one was named'),
        query('campaign', 'expected the campaign, where one was named'),
        day('from'),
        day('to'),
      ],
      responses: { 200: json('How many there were.', record({ removed: count })), 400: WRONG },
    },
  },
  '/audiences': {
    get: {
      operationId: 'listAudiences',
      summary: 'Conditions on visitors that were given a name',
      responses: { 200: json('Audiences.', record({ audiences: list(ref('SavedAudience')) })) },
    },
    post: {
      operationId: 'addAudience',
      'x-role': 'editor',
      summary: 'Gives a condition a name: it is whoever meets it, or with `isStatic` those who meet it now, for good',
      requestBody: body(record({ name: text, when: { type: 'object' }, 'isStatic?': { type: 'boolean' } })),
      responses: { 201: json('The audience.', ref('SavedAudience')), 400: WRONG, 503: PREPARING },
    },
  },
  '/audiences/preview': {
    post: {
      operationId: 'countAudience',
      summary:
        'How many people meet a condition, and by what they differ from everybody: what the rules know (`signal`, `trait`), `{stage: [...]}`, `{peak: [...]}`, `{tag: ""}`, `{channel: [...]}`, `{source: [...]}`, `{rfm: [...]}`, `{lifecycle: [...]}`, and `all`, `any`, `not` of them',
      requestBody: body(record({ when: { type: 'object' } })),
      responses: {
        200: json(
          'The audience.',
          record({
            asOf: moment,
            people: count,
            of: count,
            stages: list(record({ stage, people: count })),
            profile: list(record({ feature: text, people: count, share: number, everybody: number, index: number })),
            examples: list(ref('Member')),
          }),
        ),
        400: WRONG,
        503: PREPARING,
      },
    },
  },
  '/audiences/{id}': {
    put: {
      operationId: 'changeAudience',
      'x-role': 'editor',
      summary: 'Puts another condition or name in its place',
      parameters: [
        audienceId,
        query('after', 'expected the moment at which what is known of it was saved', { type: 'integer', minimum: 0 }),
      ],
      requestBody: body(record({ name: text, when: { type: 'object' }, 'isStatic?': { type: 'boolean' } })),
      responses: {
        200: json('The audience.', ref('SavedAudience')),
        400: WRONG,
        409: error('It was saved meanwhile.'),
        503: PREPARING,
      },
    },
    delete: {
      operationId: 'removeAudience',
      'x-role': 'editor',
      summary: 'Deletes a condition; of the visitors nothing is changed',
      parameters: [audienceId],
      responses: { 200: json('It is gone.', record({ audience: { type: 'null' } })) },
    },
  },
  '/audiences/{id}/members': {
    get: {
      operationId: 'readMembers',
      summary:
        'Everybody who meets the condition now, or met it when it was saved as static; cells of the CSV are no formulas',
      parameters: [audienceId, query('format', 'expected json or csv', { enum: ['json', 'csv'] })],
      responses: {
        200: {
          description: 'They.',
          content: {
            'application/json': { schema: record({ asOf: moment, members: list(ref('Member')) }) },
            'text/csv': { schema: text },
          },
        },
        400: WRONG,
        503: PREPARING,
      },
    },
  },
  '/dead-letters': {
    get: {
      operationId: 'listDeadLetters',
      'x-role': 'owner',
      summary: 'What was refused and why, the latest first, with the beginning of what came; kept for 14 days',
      parameters: [
        query('limit', 'expected a whole number from 1 to 1000', { type: 'integer', minimum: 1, maximum: 1000 }),
      ],
      responses: {
        200: json(
          'They.',
          record({
            letters: list(record({ receivedAt: moment, reason: text, detail: text, body: text })),
          }),
        ),
        400: WRONG,
      },
    },
  },
  '/secret-key': {
    get: {
      operationId: 'readSecretKey',
      'x-role': 'owner',
      summary: 'The key with which the site’s own server sends events and proves users',
      responses: { 200: json('It.', record({ secretKey: text })) },
    },
    post: {
      operationId: 'replaceSecretKey',
      'x-role': 'owner',
      summary:
        'Puts another secret key in its place, at once: what is sent or proven with the one before is refused from then on. Users and erased visitors stay who they are.',
      responses: { 200: json('The new one.', record({ secretKey: text })) },
    },
  },
  '/health': {
    get: {
      operationId: 'readHealth',
      'x-role': 'owner',
      summary:
        'What came last, what is still to be done (at most 1,000 visitors are counted), what room there is, and when all was last copied',
      responses: {
        200: json(
          'It.',
          record({
            asOf: moment,
            lastEventAt: nullable('integer'),
            due: count,
            jobs: list(record({ id: count, done: count, total: count })),
            takenBytes: count,
            freeBytes: count,
            backupAt: nullable('integer'),
          }),
        ),
      },
    },
  },
  '/annotations': {
    get: {
      operationId: 'listAnnotations',
      'x-role': 'guest',
      summary: 'Notes to days, and on which days rules were published: what belongs on every axis of time',
      responses: {
        200: json(
          'They.',
          record({
            annotations: list(ref('Annotation')),
            published: list(record({ version: count, note: nullable('string'), day: date })),
          }),
        ),
      },
    },
    post: {
      operationId: 'addAnnotation',
      'x-role': 'editor',
      summary: 'Leaves a note to a day, such as the beginning of a campaign',
      requestBody: body(record({ day: date, text })),
      responses: { 201: json('The note.', ref('Annotation')), 400: WRONG },
    },
  },
  '/annotations/{id}': {
    delete: {
      operationId: 'removeAnnotation',
      'x-role': 'editor',
      summary: 'Takes a note away',
      parameters: [path('id', 'expected the number of a note')],
      responses: { 200: json('It is gone.', record({ annotation: { type: 'null' } })) },
    },
  },
  '/views': {
    get: {
      operationId: 'listViews',
      summary: 'Views of the dashboard that were given a name',
      responses: { 200: json('Views.', record({ views: list(ref('SavedView')) })) },
    },
    post: {
      operationId: 'addView',
      'x-role': 'editor',
      summary: 'Gives a view a name',
      requestBody: body(record({ name: text, address: text })),
      responses: { 201: json('The view.', ref('SavedView')), 400: WRONG },
    },
  },
  '/views/{id}': {
    delete: {
      operationId: 'removeView',
      'x-role': 'editor',
      summary: 'Forgets the name of a view',
      parameters: [path('id', 'expected the number of a view')],
      responses: { 200: json('It is gone.', record({ view: { type: 'null' } })) },
    },
  },
  '/shares': {
    get: {
      operationId: 'listShares',
      'x-role': 'owner',
      summary: "Links that show this site's reports to whoever has them, as long as they work",
      responses: { 200: json('Links.', record({ shares: list(ref('Share')) })) },
    },
    post: {
      operationId: 'addShare',
      'x-role': 'owner',
      summary:
        "Makes a link that shows this site's reports, and nobody's visitors, to whoever has it. It is said once and kept nowhere",
      requestBody: body(record({ address: text, 'days?': { type: 'integer', minimum: 1, maximum: 366 } })),
      responses: { 201: json('The link.', { allOf: [ref('Share'), record({ link: text })] }), 400: WRONG },
    },
  },
  '/shares/{id}': {
    delete: {
      operationId: 'removeShare',
      'x-role': 'owner',
      summary: 'Ends a link, for those who follow it already too',
      parameters: [path('id', 'expected the number of a link')],
      responses: { 200: json('It has ended.', record({ share: { type: 'null' } })) },
    },
  },
  '/changes': {
    get: {
      operationId: 'hearChanges',
      'x-role': 'guest',
      summary:
        'Server-sent events: `ready` at first, then a `change` whenever something was stored, at most one a second',
      responses: { 200: plain('Events without an end.', 'text/event-stream') },
    },
  },
  '/events.ndjson': {
    get: {
      operationId: 'readEvents',
      summary:
        'Every stored event as it was sent, with visitorId, receivedAt and bot, and inApp where it happened in an app, one a line',
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
      'x-role': 'guest',
      summary: 'The rules in force',
      responses: { 200: json('Rules.', ref('Rules')) },
    },
    put: {
      operationId: 'publishRules',
      'x-role': 'editor',
      summary: 'Publishes a new version of the rules',
      parameters: [...publishing, basedOn],
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
        200: json('That.', record({ errors: list(ref('RulesError')), warnings: list(ref('Warning')) })),
        503: PREPARING,
      },
    },
  },
  '/rules/versions': {
    get: {
      operationId: 'listRuleVersions',
      summary: 'Every version of the rules, the latest first',
      responses: {
        200: json(
          'Versions, and who saved a draft and when.',
          record({
            versions: list(ref('RuleVersion')),
            draft: { anyOf: [record({ author: nullable('string'), savedAt: moment }), { type: 'null' }] },
          }),
        ),
      },
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
      parameters: [ruleVersion, ...publishing, basedOn],
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
      parameters: [draftAfter],
      requestBody: body({ type: 'object' }),
      responses: {
        200: json('The draft, and what is wrong with it.', ref('RuleDraft')),
        400: WRONG,
        409: error('Another draft was saved meanwhile.'),
      },
    },
    delete: {
      operationId: 'dropDraft',
      'x-role': 'editor',
      summary: 'Drops the draft',
      parameters: [draftAfter],
      responses: {
        200: json('Dropped.', record({ draft: { type: 'null' } })),
        400: WRONG,
        409: error('Another draft was saved meanwhile.'),
      },
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
      'x-role': 'guest',
      summary: Object.entries(REPORT_SUMMARIES)
        .map(([name, summary]) => `\`${name}\`: ${summary}`)
        .join('; '),
      parameters: [
        path('name', 'expected the name of a report'),
        day('from'),
        day('to'),
        ...FUNNEL,
        query('stage', `of attribution and common: expected one of ${STAGES.join(', ')}`, { enum: STAGES }),
        query(
          'signal',
          'of rfm and value: expected the name of a signal that has a value; of attribution: credits each order that it adds up, in the place of first entries into a stage',
        ),
        query('margin', 'of value: expected a share from 0 to 1', { type: 'number', minimum: 0, maximum: 1 }),
        query('years', 'of value: expected years, up to 50', { type: 'number', exclusiveMinimum: 0, maximum: 50 }),
        query('channel', 'of flow: those alone who first came by this channel', { type: 'string', minLength: 1 }),
        query(
          'dormantAfter',
          'of flow: expected days without a sign of life after which somebody is dormant; 30 where absent',
          {
            type: 'integer',
            minimum: 1,
            maximum: 3660,
          },
        ),
        query('discount', 'of value: expected a yearly rate from 0 to 1', { type: 'number', minimum: 0, maximum: 1 }),
        query('rules', 'expected the number of a version of the rules; the one in force where absent', {
          type: 'integer',
          minimum: 1,
        }),
        query('period', 'of lifecycle and cohorts: expected day, week or month', { enum: ['day', 'week', 'month'] }),
      ],
      responses: {
        200: json('The report.', {
          allOf: [
            { anyOf: Object.keys(REPORT_SCHEMAS).map(ref) },
            record({
              rules: count,
              'updating?': {
                type: 'boolean',
                description:
                  'true where making it takes seconds: this is what was made last, at `asOf`, and a newer one is being made; ask again',
              },
            }),
          ],
        }),
        400: WRONG,
        503: PREPARING,
      },
    },
  },
};
