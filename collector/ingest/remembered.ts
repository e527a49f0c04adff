/** What is remembered of each kind, at most, where nothing else is said. */
const MAX_REMEMBERED = 2000;
/** Longer keys are nobody's usual addresses. */
const MAX_KEY = 1000;

/** Makes something once for each key, as long as it is remembered. @param max of so many: then it begins anew */
export function remembered<T>(known: Map<string, T>, key: string, make: () => T, max = MAX_REMEMBERED): T {
  if (key.length > MAX_KEY) return make();
  let value = known.get(key);
  if (value !== undefined || known.has(key)) return value as T;
  if (known.size >= max) known.clear();
  value = make();
  known.set(key, value);
  return value;
}
