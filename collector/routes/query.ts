import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { Context } from 'hono';
import { OPERATIONS } from '../openapi.js';
import type { Parameter } from '../openapi/operation.js';

const ajv = new Ajv({ coerceTypes: true, strict: false });
addFormats.default(ajv);

interface Check {
  parameter: Parameter;
  isValid: ValidateFunction;
}

/** Of each operation, by its id. */
const CHECKS = new Map<string, Check[]>(
  Object.values(OPERATIONS)
    .flatMap((operations) => Object.values(operations))
    .map(({ operationId, parameters = [] }) => [
      operationId,
      parameters
        .filter((parameter) => parameter.in === 'query')
        .map((parameter) => ({ parameter, isValid: ajv.compile({ properties: { value: parameter.schema } }) })),
    ]),
);

/**
 * Reads the query of an operation as the API document describes it.
 * @returns its values by their names, or a text that says what was expected
 */
export function readQuery<T extends object>(c: Context, operationId: string): Partial<T> | string {
  const values: Record<string, unknown> = {};
  for (const { parameter, isValid } of CHECKS.get(operationId)!) {
    const { name, description } = parameter;
    const given = { value: c.req.query(name) as unknown };
    if (given.value === undefined) continue;
    if (!isValid(given)) return `${name}: ${description}`;
    values[name] = given.value;
  }
  return values as Partial<T>;
}
