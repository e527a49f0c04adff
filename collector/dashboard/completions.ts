/** What fits where the caret stands in a document of rules, by its JSON Schema and by the names that the document itself has. */
import { findNodeAtLocation, getLocation, parseTree, type JSONPath, type Node } from 'jsonc-parser';

type Schema = {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  enum?: string[];
  const?: string;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  description?: string;
};

export interface Completion {
  /** What it is called. */
  label: string;
  description?: string;
  /** The document with it, and where the caret goes on. */
  text: string;
  caret: number;
}

/** Names that a document can be asked for, by the last name of a path. */
export interface Names {
  signals: string[];
  events: readonly string[];
}

/** A schema and all that it may be instead. */
const ways = (schema: Schema, root: Schema): Schema[] =>
  schema.$ref
    ? ways(root.$defs![schema.$ref.split('/').at(-1)!]!, root)
    : [schema, ...(schema.anyOf ?? []).flatMap((each) => ways(each, root))];

/** What may stand at a place. Of what may be one thing or another only that is left which has the members that are there. */
function schemasAt(root: Schema, path: JSONPath, document: Node | undefined): Schema[] {
  let found = ways(root, root);
  path.forEach((segment, depth) => {
    const there = membersOf(document && findNodeAtLocation(document, path.slice(0, depth)));
    found = found
      .filter(({ properties }) => !properties || there.every((name) => name === segment || name in properties))
      .flatMap(({ items, properties, additionalProperties: more }) => {
        const next =
          typeof segment === 'number'
            ? items
            : (properties?.[segment] ?? (typeof more === 'object' ? more : undefined));
        return next ? ways(next, root) : [];
      });
  });
  return found;
}

const membersOf = (node: Node | undefined): string[] =>
  node?.type === 'object' ? node.children!.map(({ children }) => String(children![0]!.value)) : [];

/** The simplest thing of a kind, with the caret inside. */
function simplest(schemas: Schema[]): string {
  const types = schemas.flatMap(({ type, enum: values, const: only }) => (values || only ? ['string'] : (type ?? [])));
  return { object: '{}', array: '[]', string: '""', boolean: 'true' }[types[0] ?? 'object'] ?? '1';
}

/** Where something is missing, and what of the text it takes the place of. */
interface Gap {
  path: JSONPath;
  isKey: boolean;
  from: number;
  to: number;
  document: Node | undefined;
}

/** @returns undefined where nothing is missing at the caret */
function gapAt(text: string, offset: number): Gap | undefined {
  const { path, isAtPropertyKey: isKey, previousNode } = getLocation(text, offset);
  const document = parseTree(text);
  const begun = previousNode && offset > previousNode.offset ? text.slice(previousNode.offset, offset) : '';
  const whole = previousNode ? text.slice(previousNode.offset, previousNode.offset + previousNode.length) : '';
  // The names that are offered have no brackets and commas: a text that has was not closed, and goes on to where it looks so.
  const isOpen = whole.startsWith('"') && (whole.length < 2 || !whole.endsWith('"') || /[{}[\],:]/.test(whole));
  const isIn = !!begun && (isOpen || begun.length < whole.length);
  // Behind a value that is whole nothing fits but a comma.
  if (begun && !isIn && begun.length === whole.length) return undefined;
  const word = /[\w$.-]*$/.exec(text.slice(0, offset))![0];
  const rest = /^[\w$.-]*"?/.exec(text.slice(offset))![0];
  const from = isIn ? previousNode!.offset : offset - word.length;
  const to = isIn && !isOpen ? from + whole.length : offset + (isIn || word ? rest.length : 0);
  const there = document && findNodeAtLocation(document, path);
  if (!isKey && there?.length && !isIn && !word) return undefined;
  // Before what stands there already nothing fits either.
  if (!/^\s*([\]},"]|$)/.test(text.slice(to)) && !(isIn && isKey)) return undefined;
  return { path, isKey, from, to, document };
}

/** Something that is offered, as it is written; with the caret inside, in UTF-16 units from its start. */
type Offer = Pick<Completion, 'label' | 'description'> & { written: string; inside: number };

/** Members that an object may have and has not; those of `weights` are by the names of signals. */
function keysFor(root: Schema, { path, document }: Gap, { signals }: Names, isNamed: boolean): Offer[] {
  const parent = path.slice(0, -1);
  const members = membersOf(document && findNodeAtLocation(document, parent));
  const found = new Map<string, { kinds: Schema[]; description?: string | undefined }>();
  for (const { properties = {} } of schemasAt(root, path.slice(0, -1), document))
    if (members.every((name) => name === path.at(-1) || name in properties))
      for (const [name, schema] of Object.entries(properties)) {
        // What may be anything is nothing that somebody writes.
        if (members.includes(name) || !(schema.type ?? schema.enum ?? schema.anyOf ?? schema.$ref)) continue;
        const kinds = [...(found.get(name)?.kinds ?? []), ...ways(schema, root)];
        found.set(name, { kinds, description: schema.description });
      }
  if (parent.at(-1) === 'weights')
    for (const name of signals) if (!members.includes(name)) found.set(name, { kinds: [{ type: 'number' }] });
  return [...found].map(([label, { kinds, description }]) => {
    const key = JSON.stringify(label);
    const value = simplest(kinds);
    const more = description === undefined ? {} : { description };
    if (isNamed) return { label, ...more, written: key, inside: key.length };
    const inside = key.length + 2 + (/^["{[]/.test(value) ? 1 : value.length);
    return { label, ...more, written: `${key}: ${value}`, inside };
  });
}

/** Values that a member or an item may have, where they can be told. */
function valuesFor(root: Schema, { path, from, to, document }: Gap, { signals, events }: Names): Offer[] {
  const schemas = schemasAt(root, path, document);
  const named = path.findLast((segment) => typeof segment === 'string');
  const values = [
    ...schemas.flatMap(({ enum: all = [], const: only }) => (only ? [...all, only] : all)),
    ...(named === 'signal' || (named === 'intent' && path[0] === 'score') ? signals : []),
    ...(named === 'event' && path[0] === 'signals' ? events : []),
  ].map((value) => JSON.stringify(value));
  if (schemas.some(({ type }) => type === 'boolean')) values.push('true', 'false');
  // An object or a list is begun.
  if (from === to && !values.length)
    for (const { type } of schemas)
      if (type === 'object' || type === 'array') values.push(type === 'object' ? '{}' : '[]');
  return [...new Set(values)].map((written) => ({
    label: written.replace(/^"|"$/g, ''),
    written,
    inside: /^[{[]/.test(written) ? 1 : written.length,
  }));
}

/** @param offset of the caret, in UTF-16 units */
export function completionsAt(root: Schema, text: string, offset: number, names: Names): Completion[] {
  const gap = gapAt(text, offset);
  if (!gap) return [];
  const [before, after] = [text.slice(0, gap.from), text.slice(gap.to)];
  const offers = gap.isKey ? keysFor(root, gap, names, /^\s*:/.test(after)) : valuesFor(root, gap, names);
  const lead = /[{[,:]\s*$/.test(before) || !before.trim() ? '' : ', ';
  const tail = /^\s*["{[\dtf]/.test(after) ? ', ' : '';
  return offers.map(({ written, inside, ...rest }) => ({
    ...rest,
    text: before + lead + written + tail + after,
    caret: gap.from + lead.length + inside,
  }));
}
