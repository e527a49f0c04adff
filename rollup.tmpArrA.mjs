/**
 * Writes a file of the tag so that it compresses best: functions as arrows, in an order and with names that a search found.
 * What it finds stands in `sdk/order.json` by a hash of the parts, so that for other parts it is never used.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { analyze } from 'eslint-scope';

const FOUND = 'sdk/order.json';
const OUT = process.env.OUT;
/** By how many bytes a file may grow for a while, in the beginning of a search. */
const WARMTH = Number(process.env.WARMTH ?? 0.5);
/** How many changes to try, in `npm run order`. */
const TRIES = Number(process.env.STAGETAG_ORDERS ?? 0);

/** What was found: by the hash of a file's parts, their order, and the names of its variables in the order in which they are met. */
export const found = JSON.parse(fs.readFileSync(process.env.FROM ?? FOUND, 'utf8'));
const used = {};

export const brotliSize = (text) =>
  zlib.brotliCompressSync(text, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } }).length;

/** Calls for every node of a tree. @param visit says whether to go on below it */
export function walk(node, visit) {
  if (!node || typeof node !== 'object' || (node.type && visit(node) === false)) return;
  for (const each of Object.values(node)) walk(each, visit);
}

/** Cuts code into what may stand in any order, and what stands before and after. */
function cut(code, parse) {
  const [body] = parse(code).body;
  const { params, body: block } = body.declaration ?? body.expression.callee;
  const statements = block.body;
  const text = ({ start, end }) => code.slice(start, end);
  const parts = statements.flatMap((node) => {
    if (node.type === 'VariableDeclaration') return node.declarations.map(text);
    if (node.type !== 'FunctionDeclaration') return [];
    const [only, ...more] = node.body.body;
    const isValue = only?.type === 'ReturnStatement' && only.argument && !more.length;
    const value = isValue ? text(only.argument) : text(node.body);
    const isWrapped = isValue && (value[0] === '{' || only.argument.type === 'SequenceExpression');
    const [first, ...others] = node.params;
    const isBare = first?.type === 'Identifier' && !others.length && !node.async;
    const given = isBare ? first.name : `(${node.params.map(text)})`;
    return `${node.id.name}=${node.async ? 'async' : ''}${given}=>${isWrapped ? `(${value})` : value}`;
  });
  const rest = statements.filter(({ type }) => !/^(Variable|Function)Declaration$/.test(type));
  const end = rest.map(text).join('');
  // The site's settings come first.
  const site = '__STAGETAG_SITE__';
  const [given, start] = end.includes(site) ? [`$$=${site},`, end.replace(site, () => '$$')] : ['', end];
  if (/[^\w$]\$\$[^\w$]/.test(code)) throw new Error('the name $$ is taken');
  const head = `${params.length ? `export let start=(${params.map(({ name }) => name)})=>` : ''}{let ${given}`;
  return { head, parts, tail: `;${start.replace(/;$/, '')}}` };
}

/** By part, those that have to stand before it: what it uses when it is made, such as `name=called(other)`; a function's own body runs later. */
function needs(parts, parse) {
  const made = new Map(parts.map((part, index) => [/^[\w$]+/.exec(part)[0], index]));
  return parts.map((part) => {
    const before = [];
    walk(parse(`let ${part}`).body[0].declarations[0].init, (node) => {
      if (made.has(node.name)) before.push(made.get(node.name));
      return !/Function/.test(node.type);
    });
    return before;
  });
}

/** Finds the variables of code: their names, where each stands, and which of them may not be called the same. */
function variablesOf(code, parse) {
  const tree = parse(code);
  const short = new Set();
  walk(tree, (node) => {
    node.range = [node.start, node.end];
    if (node.type === 'Property' && node.shorthand) short.add(node.value.left ?? node.value);
  });
  const { scopes, globalScope } = analyze(tree, { ecmaVersion: 2022, sourceType: 'module' });
  const variables = scopes.flatMap((scope) =>
    scope.variables
      .filter(({ name, defs }) => defs.length && name !== 'start')
      .map((variable) => ({ variable, scope })),
  );
  /** By scope, the variables and the names from outside that are seen there. */
  const seen = new Map(scopes.map((scope) => [scope, { own: new Set(), outer: new Set() }]));
  const see = ({ from }, end, kind, what) => {
    for (let scope = from; scope && scope !== end; scope = scope.upper) seen.get(scope)[kind].add(what);
  };
  const places = variables.flatMap(({ variable, scope }, index) => {
    seen.get(scope).own.add(index);
    for (const reference of variable.references) see(reference, scope, 'own', index);
    const nodes = new Set([...variable.identifiers, ...variable.references.map(({ identifier }) => identifier)]);
    return [...nodes].map((node) => ({ index, ...node, before: short.has(node) ? `${node.name}:` : '' }));
  });
  for (const reference of globalScope.through) see(reference, null, 'outer', reference.identifier.name);
  const apart = variables.map(() => new Set());
  for (const [index, { scope }] of variables.entries())
    for (const other of seen.get(scope).own) {
      if (other === index) continue;
      apart[index].add(other);
      apart[other].add(index);
    }
  return {
    names: variables.map(({ variable }) => variable.name),
    places: places.sort((a, b) => a.start - b.start),
    apart,
    taken: variables.map(({ scope }) => seen.get(scope).outer),
  };
}

/** Cuts a text where variables stand: what it is made of then takes their names from a list. */
function open(text, offset, places) {
  let at = 0;
  const pieces = [];
  for (const { start, end, index, before } of places) {
    if (start < offset || end > offset + text.length) continue;
    pieces.push(text.slice(at, start - offset) + before, index);
    at = end - offset;
  }
  pieces.push(text.slice(at));
  return (names) => pieces.map((each) => (typeof each === 'number' ? names[each] : each)).join('');
}

/** Gives a variable another name, and whoever stands in the way the name that it had. @returns undefined where that cannot be */
function renamed(names, index, name, { apart, taken }) {
  const next = [...names];
  const old = names[index];
  const todo = [index];
  const done = new Set(todo);
  for (const each of todo) {
    next[each] = names[each] === old ? name : old;
    if (taken[each].has(next[each])) return undefined;
    for (const other of apart[each])
      if (names[other] === next[each] && !done.has(other)) {
        done.add(other);
        todo.push(other);
      }
  }
  return next;
}

/**
 * Searches by simulated annealing: a few parts that stand together move elsewhere, or a variable is called otherwise, and it stays so where
 * that makes the file smaller, or, the less likely the later, a little larger.
 */
function search(first, { isSound, variables, measure }) {
  // A generator of its own, so that the same parts end in the same way.
  let seed = Number(process.env.SEED ?? 1);
  const below = (limit) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  let [now, best] = [first, first];
  let bytes = measure(first);
  let least = bytes;
  for (let left = TRIES; left; left--) {
    let { order, names } = now;
    if (below(2)) {
      order = [...order];
      const moved = order.splice(below(order.length), 1 + below(3));
      order.splice(below(order.length + 1), 0, ...moved);
      if (!isSound(order)) continue;
    } else {
      const name = names[below(names.length)];
      const index = below(names.length);
      if (name !== names[index]) names = renamed(names, index, name, variables);
      if (!names) continue;
    }
    const next = { order, names };
    const size = measure(next);
    if (below(1e6) / 1e6 < Math.exp(((bytes - size) * TRIES) / (WARMTH * left))) [now, bytes] = [next, size];
    if (bytes < least) [best, least] = [now, bytes];
  }
  return best;
}

/**
 * Writes minified code of one function as what was found for it, or as it comes.
 * @param fill makes of it what is to be measured
 * @param isSought whether `npm run order` searches for it
 */
export function arrange(code, { parse, fill = (text) => text, isSought }) {
  const { head, parts, tail } = cut(code, parse);
  const text = parts.join();
  const before = needs(parts, parse);
  const isSound = (order) => {
    const at = new Map(order.map((index, place) => [index, place]));
    return order.every((index, place) => before[index].every((other) => at.get(other) < place));
  };
  const variables = variablesOf(head + text + tail, parse);
  let offset = head.length;
  const write = parts.map((part) => {
    const opened = open(part, offset, variables.places);
    offset += part.length + 1;
    return opened;
  });
  const [start, end] = [open(head, 0, variables.places), open(tail, offset - 1, variables.places)];
  const written = ({ order, names }) => start(names) + order.map((index) => write[index](names)).join(',') + end(names);
  const natural = { order: parts.map((_, index) => index), names: variables.names };
  // Neither what its variables are called, nor a version, nor the name of the other file makes it another.
  const plain = written({ ...natural, names: variables.names.map((_, index) => `$${index}`) });
  const name = createHash('sha256')
    .update(plain.replace(/"js\/[^"]+"|late-[\w-]{6}\.js/g, ''))
    .digest('hex')
    .slice(0, 12);
  if (process.env.DUMP) fs.appendFileSync(process.env.DUMP, JSON.stringify({ name, natural: variables.names, pieces: (() => { const whole = head + text + tail; const out = []; let at = 0; for (const { start, end, index } of variables.places) { out.push(whole.slice(at, start), index); at = end; } out.push(whole.slice(at)); return out; })(), parts, apart: variables.apart.map((x) => [...x]), taken: variables.taken.map((x) => [...x].map(String)), known: !!found[name] }) + '\n');
  console.log('HASH', name, !!found[name], parts.length, variables.names.length, brotliSize(fill(written(natural))));
  if (process.env.MEAN && isSought) { let s = 7; const below = (l) => (s = (s * 48271) % 2147483647) % l; let sum = 0, n = 0; while (n < +process.env.MEAN) { let order = natural.order.map((x) => x); let names = natural.names; for (let k = 0; k < 30; k++) { const o = [...order]; const m = o.splice(below(o.length), 1 + below(3)); o.splice(below(o.length + 1), 0, ...m); if (isSound(o)) order = o; const r = renamed(names, below(names.length), names[below(names.length)], variables); if (r) names = r; } sum += brotliSize(fill(written({ order, names }))); n++; } console.log('MEAN', (sum / n).toFixed(2)); }
  const known = found[name] && { order: found[name].order, names: found[name].names.split(' ') };
  let best = known ?? natural;
  if (isSought && TRIES) {
    best = search(best, { isSound, variables, measure: (each) => brotliSize(fill(written(each))) });
    used[name] = { order: best.order, names: best.names.join(' ') };
    fs.writeFileSync(OUT, JSON.stringify(used)); console.log('LEAST', name, brotliSize(fill(written(best))));
  }
  if (!isSound(best.order)) throw new Error('something is used before it is made: npm run order');
  return written(best);
}
