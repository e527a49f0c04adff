/** JSON Schemas, in as few words as can be. */
import { STAGES } from '../sdk/core/index.js';

/** A JSON Schema. */
export type Schema = Record<string, unknown>;

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const nullable = (...types: string[]): Schema => ({ type: [...types, 'null'] });
export const text: Schema = { type: 'string' };
export const count: Schema = { type: 'integer', minimum: 0 };
export const moment: Schema = { type: 'integer', description: 'epoch milliseconds' };
export const number: Schema = { type: 'number' };
export const stage: Schema = { enum: [...STAGES, null] };
export const date: Schema = { type: 'string', format: 'date' };
export const uuid: Schema = { type: 'string', format: 'uuid' };

/** An object with these members; those whose names end with `?` may be absent. */
export function record(members: Record<string, Schema>): Schema {
  const entries = Object.entries(members);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace('?', ''), schema])),
    required: entries.map(([name]) => name).filter((name) => !name.endsWith('?')),
  };
}
