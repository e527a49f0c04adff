/** What reasons say, in words. No page carries it by itself: it comes when somebody asks. */
import type { Measure, Stage } from './rules.js';
import type { Reason, SignalReason, TraitReason } from './view.js';
import type { Explanation, TagExplanation } from './why.js';

export type Language = 'en' | 'zh';

/** What a signal is called; its name where nothing else is known. */
export type Called = (signal: string) => string;

interface WhyWords {
  all: string;
  any: string;
  not: string;
  until(day: string): string;
  lasts(days: number): string;
  atLeast(value: number): string;
  atMost(value: number): string;
  have(value: string): string;
  within(days: number): string;
  ever: string;
  measures: Record<Measure, string>;
  /** Between two things of which one alone is asked for, and between what is asked for and its window. */
  and: string;
  comma: string;
  /** A thing, and what is asked of it. */
  said(what: string, asked: string): string;
  /** Something, and what is known of it. */
  beside(text: string, known: string): string;
  /** Bounds of a measure. */
  asked(bounds: string, measure: Measure): string;
  true: string;
  false: string;
  isMissing: string;
  isThere: string;
  oneOf: string;
  like: string;
  unknown: string;
  kept: string;
  next(stage: string): string;
  none: string;
  stages: Record<Stage, string>;
}

const WORDS: Record<Language, WhyWords> = {
  en: {
    all: 'all of',
    any: 'one of',
    not: 'not',
    until: (day) => `until ${day}`,
    lasts: (days) => `lasts ${days} days once met`,
    atLeast: (value) => `at least ${value}`,
    atMost: (value) => `at most ${value}`,
    have: (value) => `${value} so far`,
    within: (days) => `in the last ${days} days`,
    ever: 'ever',
    measures: {
      count: '×',
      distinct: 'different',
      value: 'in value',
      days: 'days',
      perSession: 'different in one session',
      sessions: 'sessions with the same',
    },
    and: ', ',
    comma: ', ',
    said: (what, asked) => `${what}: ${asked}`,
    beside: (text, known) => `${text} (${known})`,
    asked: (bounds, measure) => `${bounds} ${WORDS.en.measures[measure]}`,
    true: 'true',
    false: 'false',
    isMissing: 'is not there',
    isThere: 'is there',
    oneOf: 'is one of',
    like: 'is like',
    unknown: 'not known',
    kept: 'kept for good',
    next: (stage) => `Next, ${stage}, takes:`,
    none: 'no stage',
    stages: {
      awareness: 'awareness',
      interest: 'interest',
      consideration: 'consideration',
      action: 'action',
      loyalty: 'loyalty',
    },
  },
  zh: {
    all: '全部满足',
    any: '满足其一',
    not: '不满足',
    until: (day) => `${day} 前有效`,
    lasts: (days) => `满足后保持 ${days} 天`,
    atLeast: (value) => `至少 ${value}`,
    atMost: (value) => `至多 ${value}`,
    have: (value) => `目前 ${value}`,
    within: (days) => `最近 ${days} 天内`,
    ever: '任何时候',
    measures: {
      count: '次',
      distinct: '个不同值',
      value: '金额',
      days: '天',
      perSession: '个不同值（一次会话内）',
      sessions: '次会话中有同一个值',
    },
    and: '、',
    comma: '，',
    said: (what, asked) => `${what}：${asked}`,
    beside: (text, known) => `${text}（${known}）`,
    asked: (bounds, measure) =>
      measure === 'value' ? `${WORDS.zh.measures.value}${bounds}` : `${bounds} ${WORDS.zh.measures[measure]}`,
    true: '是',
    false: '否',
    isMissing: '不存在',
    isThere: '存在',
    oneOf: '属于',
    like: '形如',
    unknown: '未知',
    kept: '永久保留',
    next: (stage) => `下一阶段（${stage}）还需要：`,
    none: '无阶段',
    stages: { awareness: '认知', interest: '兴趣', consideration: '意向', action: '行动', loyalty: '忠诚' },
  },
};

/** A page may pass its own, such as zh-CN. */
const isChinese = (language: string): boolean => /^zh/i.test(language);
const wordsIn = (language: string): WhyWords => WORDS[isChinese(language) ? 'zh' : 'en'];

const itself: Called = (signal) => signal;

const showNumber = (value: number, language: Language): string =>
  new Intl.NumberFormat(isChinese(language) ? 'zh-CN' : 'en-GB', { maximumFractionDigits: 4 }).format(value);

function saySignal({ signal, need, have, within }: SignalReason, language: Language, called: Called): string {
  const words = wordsIn(language);
  const asked = (Object.keys(need) as Measure[]).map((measure) => {
    const { gte, lte } = need[measure]!;
    const bounds = [gte !== undefined && words.atLeast(gte), lte !== undefined && words.atMost(lte)].filter(Boolean);
    const known = words.have(showNumber(have[measure] ?? 0, language));
    return words.beside(words.asked(bounds.join(' · '), measure), known);
  });
  return words.said(called(signal), `${asked.join(' · ')}${words.comma}${within ? words.within(within) : words.ever}`);
}

function sayTrait({ trait, need, have }: TraitReason, language: Language): string {
  const words = wordsIn(language);
  const { exists, in: list, glob, range: { gte, lte } = {} } = need;
  const asked = [
    exists === false && words.isMissing,
    list && `${words.oneOf} ${list.join(words.and)}`,
    glob && `${words.like} ${glob.join(words.and)}`,
    gte !== undefined && words.atLeast(gte),
    lte !== undefined && words.atMost(lte),
  ].filter(Boolean);
  const known = have === null ? words.unknown : typeof have === 'boolean' ? words[`${have}`] : have;
  return words.said(trait, words.beside(asked.join(' · ') || words.isThere, `${known}`));
}

/** Says one part of a reason, without the parts that it has itself. */
export function sayPart(reason: Reason, language: Language = 'en', called: Called = itself): string {
  const words = wordsIn(language);
  const group = () => ('lasts' in reason ? words.lasts(reason.lasts as number) : words[partsOf(reason)![0]]);
  const text =
    'trait' in reason ? sayTrait(reason, language) : 'signal' in reason ? saySignal(reason, language, called) : group();
  return reason.expires ? `${text} · ${words.until(reason.expires)}` : text;
}

/** The parts of a group; undefined where it is none. */
export function partsOf(reason: Reason): [kind: 'all' | 'any' | 'not', parts: Reason[]] | undefined {
  if ('trait' in reason || 'signal' in reason) return undefined;
  const kind = reason.all ? 'all' : reason.any ? 'any' : 'not';
  return [kind, reason[kind]!];
}

/** A reason in lines, each part further in than what it is a part of: `✓` is met, `○` is missing. */
const linesOf = (reason: Reason, language: Language, called: Called, depth = 1): string[] => [
  `${'  '.repeat(depth)}${reason.met ? '✓' : '○'} ${sayPart(reason, language, called)}`,
  ...(partsOf(reason)?.[1] ?? []).flatMap((part) => linesOf(part, language, called, depth + 1)),
];

/**
 * Says why a stage or a tag holds or not, in lines of plain text.
 * @param explanation as `stagetag.why()` and `GET …/why` give it @param called what a signal is called; its name where absent
 * @example
 * const { sayWhy } = await import('https://collector.example.com/t/why.js');
 * console.log(sayWhy(stagetag.why(), 'zh'));
 */
export function sayWhy(
  explanation: Explanation | TagExplanation,
  language: Language = 'en',
  called: Called = itself,
): string {
  const words = wordsIn(language);
  const { met, because } = explanation;
  const isStage = 'stage' in explanation;
  const name = isStage ? (explanation.stage ? words.stages[explanation.stage] : words.none) : explanation.tag;
  const isKept = isStage && explanation.sticky;
  const next = isStage ? explanation.next : null;
  return [
    `${met ? '✓' : '○'} ${name}${isKept ? ` · ${words.kept}` : ''}`,
    ...(because ? linesOf(because, language, called) : []),
    ...(next ? [words.next(words.stages[next.stage])] : []),
    ...(next?.missing ?? []).flatMap((reason) => linesOf(reason, language, called)),
  ].join('\n');
}
