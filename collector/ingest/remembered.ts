/** What is remembered of each kind, at most: then it begins anew. Long keys are nobody's usual addresses. */
const MAX_REMEMBERED = 2000;
const MAX_KEY = 1000;

/** Makes something once for each key, as long as it is remembered. */
export function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  if (key.length > MAX_KEY) return make();
  let value = known.get(key);
  if (value !== undefined || known.has(key)) return value as T;
  if (known.size >= MAX_REMEMBERED) known.clear();
  value = make();
  known.set(key, value);
  return value;
}
