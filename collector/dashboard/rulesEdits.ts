/** Changes to a document of rules: each gives a new one, and leaves what it was not asked to change. */
import { isRecord, type Rules } from '../../sdk/core/index.js';

/** Without a member where it is empty: what was taken back stands nowhere. */
export function having<T extends object>(given: T, name: string, value: unknown): T {
  // Somebody may have written anything in its place.
  const whole = (isRecord(given) ? given : {}) as T;
  const { [name]: _, ...rest } = whole as Record<string, unknown>;
  const isEmpty = value === undefined || value === '' || (Array.isArray(value) && !value.length);
  // In its place where it was there: the document is to be read beside the form.
  if (!isEmpty && name in whole) return { ...whole, [name]: value };
  return (isEmpty ? rest : { ...whole, [name]: value }) as T;
}

/** The same object with a member called otherwise, in its place. */
export const renamed = <T>(whole: Record<string, T>, from: string, to: string): Record<string, T> =>
  Object.fromEntries(Object.entries(whole).map(([name, value]) => [name === from ? to : name, value]));

export const without = <T>(whole: Record<string, T>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(whole).filter(([each]) => each !== name));

/** A name that nothing has yet. */
export function freeName(wanted: string, taken: object): string {
  for (let at = 1; ; at++) {
    const name = at === 1 ? wanted : `${wanted}_${at}`;
    if (!Object.hasOwn(taken, name)) return name;
  }
}

/** Everything below a value with one name of a signal for another, where conditions ask for it. */
function askingFor(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return value.map((each) => askingFor(each, from, to));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      name === 'signal' && each === from ? to : askingFor(each, from, to),
    ]),
  );
}

/** How many conditions ask for a signal. */
export function timesAsked(value: unknown, signal: string): number {
  if (!isRecord(value) && !Array.isArray(value)) return 0;
  const own = isRecord(value) && value.signal === signal ? 1 : 0;
  return Object.values(value).reduce<number>((sum, each) => sum + timesAsked(each, signal), own);
}

/** Renames a signal wherever the rules name it. */
export function renameSignal(rules: Rules, from: string, to: string): Rules {
  const { signals, score, ...rest } = rules;
  const asked = askingFor(rest, from, to) as Omit<Rules, 'signals' | 'score'>;
  return {
    // First of all for the order in which the document has them.
    ...rules,
    ...asked,
    signals: renamed(signals, from, to),
    ...(score && {
      score: {
        ...(askingFor(score, from, to) as typeof score),
        weights: renamed(score.weights ?? {}, from, to),
        ...(score.intent && { intent: score.intent.map((each) => (each === from ? to : each)) }),
      },
    }),
  };
}

/** Whether the form can show a document at all: what else is wrong with it the check says. */
export function isShown(rules: unknown): rules is Rules {
  if (!isRecord(rules)) return false;
  const { signals, stages, tags = {}, score = {}, exclude = {}, rfm = {} } = rules;
  const maps = [signals, stages, tags, exclude];
  if (![...maps, score, rfm].every(isRecord)) return false;
  const { weights = {}, intent = [], fit = [] } = score as Record<string, unknown>;
  if (!isRecord(weights) || !Array.isArray(intent) || !Array.isArray(fit)) return false;
  return [...fit, ...maps.flatMap((each) => Object.values(each as object))].every(isRecord);
}

/** Texts between commas; one alone stands as a text. */
export const readList = (text: string, before?: string | string[]): string | string[] | undefined => {
  // What has a comma in it cannot be told from two: it stays one for as long as nothing else is said.
  if (text === showList(before)) return before;
  const all = text
    .split(/[,，、]/)
    .map((each) => each.trim())
    .filter(Boolean);
  return all.length > 1 ? all : all[0];
};

export const showList = (value: string | string[] | undefined): string => [value ?? []].flat().join(', ');
