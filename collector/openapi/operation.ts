/** Operations, and in few words what they take and answer. */
import { date, ref, text, type Schema } from '../schema.js';
import type { Role } from '../store/store.js';

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

export const json = (description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});
export const error = (description: string) => json(description, ref('Error'));
export const refusal = (description: string) => json(description, ref('Refusal'));
export const plain = (description: string, type: string) => ({ description, content: { [type]: { schema: text } } });
export const body = (schema: Schema) => ({ required: true, content: { 'application/json': { schema } } });
/** The same, or CSV. */
export const bodyOrTable = (schema: Schema) => ({
  required: true,
  content: { 'application/json': { schema }, 'text/csv': { schema: text } },
});

export const siteKey: Parameter = {
  name: 'siteKey',
  in: 'path',
  required: true,
  description: 'expected the key of a site',
  schema: text,
};
export const path = (name: string, description: string, schema = text): Parameter => ({
  name,
  in: 'path',
  required: true,
  description,
  schema,
});
export const query = (name: string, description: string, schema = text): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
export const visitorId = path('visitorId', 'expected the id of a visitor');
export const who = path('who', 'expected the id of a visitor or of a user');
export const day = (name: string) => query(name, 'expected a day such as 2026-01-31', date);
export const ruleVersion = path('version', 'expected the number of a version');
/** How rules are put in force. */
export const publishing = [
  query('apply', 'expected all or now', { enum: ['all', 'now'] }),
  query('wait', 'expected true or false', { enum: ['true', 'false'] }),
  query('confirm', 'expected true or false', { enum: ['true', 'false'] }),
  query('note', 'expected a text of at most 500 characters', { ...text, maxLength: 500 }),
];
const number = { type: 'integer', minimum: 0 };
export const basedOn = query('basedOn', 'expected the version that these rules were made of', number);
export const draftAfter = query('after', 'expected the moment at which the draft that is known was saved', number);
export const UNKNOWN_SITE = error('No site has this key, or what was asked for is not there.');
export const WRONG = error('What was expected is said.');

export const published = {
  200: json('The new version.', ref('Published')),
  400: json('What is wrong.', ref('RulesErrors')),
  409: json(
    'Nobody could ever meet a condition, and that was not confirmed; or another version was published meanwhile.',
    ref('Error'),
  ),
};
