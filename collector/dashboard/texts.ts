/** Every text of the dashboard, in English and Chinese alike. */
import { signal } from '@preact/signals';
import i18next from 'i18next';

const en = {
  language: '中文',
  signOut: 'Sign out',
  signIn: 'Sign in',
  token: 'Admin token',
  signInHint: 'Use the sign-in link that the collector prints when it starts, or the admin token it was started with.',
  linkExpired:
    'That sign-in link was used already or has expired. Restart the collector for a new one, or use the admin token.',
  loading: 'Loading…',
  offline: 'The collector cannot be reached. What you see is from {{time}}; it goes on by itself.',
  failed: 'This could not be loaded: {{message}}',
  retry: 'Try again',
  site: 'Site',
  noSite:
    'There is no site yet. Add one on the command line: stagetag site add --name "My shop" --origin https://example.com',
  now: 'Where people stand now',
  nowHint: 'Visitors by current stage, and how many ever got that far.',
  entered: '{{count}} entered today',
  reached: '{{count}} ever',
  ofPrevious: '{{share}} of the stage before',
  losses: 'Where people are lost',
  lossesHint: 'Of those who got to a stage in the last 30 days: how many ever got beyond it, with the 95 % interval.',
  leak: 'Most are lost from {{from}} to {{to}}: {{count}} people, {{share}} of those who got there.',
  nobodyReached: 'Nobody got to a stage from {{from}} to {{to}}.',
  show: 'Show',
  again: 'Count again',
  gotThere: 'Got there',
  wentOn: 'Went on',
  ofThem: 'Share',
  lost: 'Lost',
  medianStay: 'Median stay',
  inDays: '{{count}} days',
  moves: 'All moves, back and skipping ones too',
  fromStage: 'From',
  toStage: 'To',
  times: 'Times',
  ofLeaving: 'Of those leaving',
  perDay: 'Day by day',
  perDayHint: 'Visitors who stood at each stage at the end of the day ({{zone}}).',
  day: 'Day',
  latest: 'Latest visitors',
  visitor: 'Visitor',
  stage: 'Stage',
  lastSeen: 'Last seen',
  events: 'Events',
  event: 'Event',
  cameFrom: 'Came from',
  tags: 'Tags',
  score: 'Score',
  noVisitors: 'Nobody has been seen yet. Paste this line into your pages, then open one of them:',
  back: 'All visitors',
  noVisitor: 'This site has no such visitor. It may have been erased.',
  firstSeen: 'First seen',
  why: 'Why',
  whyHere: 'Why this stage',
  sticky: 'Reached once, kept for good.',
  next: 'Nearest step to {{stage}}',
  history: 'How it came to this',
  noHistory: 'No change of stage yet.',
  begins: 'begins at {{to}}',
  becomes: '{{from}} becomes {{to}}',
  leaves: '{{from}} ends',
  causeEvent: 'caused by the event “{{event}}”, rule “{{rule}}”, rules version {{rules}}',
  causeExpiry: 'a window expired: rule “{{rule}}” no longer holds, rules version {{rules}}',
  causeRules: 'the rules changed to version {{rules}}: rule “{{rule}}”',
  causeLink: 'it turned out whose visitor this is, or is not: a user’s browsers count as one',
  timeline: 'Timeline',
  all: 'all of',
  any: 'one of',
  not: 'not',
  until: 'until {{day}}',
  within: 'in the last {{count}} days',
  ever: 'ever',
  atLeast: 'at least {{value}}',
  atMost: 'at most {{value}}',
  count: '×',
  distinct: 'different',
  value: 'in value',
  days: 'days',
  have: '{{value}} so far',
  none: 'none',
  direct: 'Direct',
  stages: {
    none: 'no stage',
    awareness: 'Awareness',
    interest: 'Interest',
    consideration: 'Consideration',
    action: 'Action',
    loyalty: 'Loyalty',
  },
};

const zh: typeof en = {
  language: 'English',
  signOut: '退出',
  signIn: '登录',
  token: '管理令牌',
  signInHint: '使用收集器启动时打印的登录链接，或启动时指定的管理令牌。',
  linkExpired: '该登录链接已使用或已过期。重新启动收集器可得到新链接，也可使用管理令牌。',
  loading: '正在加载…',
  offline: '无法连接收集器。当前显示的是 {{time}} 的数据，恢复后会自动更新。',
  failed: '无法加载：{{message}}',
  retry: '重试',
  site: '站点',
  noSite: '还没有站点。请在命令行添加：stagetag site add --name "我的店" --origin https://example.com',
  now: '访客现在处于哪个阶段',
  nowHint: '按当前阶段统计的访客，以及曾经到达该阶段的人数。',
  entered: '今日进入 {{count}}',
  reached: '曾到达 {{count}}',
  ofPrevious: '占上一阶段的 {{share}}',
  losses: '访客在哪里流失',
  lossesHint: '最近 30 天到达某阶段的访客中，有多少后来继续前进（附 95% 置信区间）。',
  leak: '流失最多的是从“{{from}}”到“{{to}}”：{{count}} 人，占到达者的 {{share}}。',
  nobodyReached: '{{from}} 至 {{to}} 之间没有人到达任何阶段。',
  show: '显示',
  again: '重新统计',
  gotThere: '到达',
  wentOn: '继续前进',
  ofThem: '占比',
  lost: '流失',
  medianStay: '停留中位数',
  inDays: '{{count}} 天',
  moves: '全部流动，包括回退和跳跃',
  fromStage: '从',
  toStage: '到',
  times: '次数',
  ofLeaving: '占离开者',
  perDay: '按日',
  perDayHint: '每天结束时处于各阶段的访客（{{zone}}）。',
  day: '日期',
  latest: '最近的访客',
  visitor: '访客',
  stage: '阶段',
  lastSeen: '最近访问',
  events: '事件数',
  event: '事件',
  cameFrom: '来源',
  tags: '标签',
  score: '得分',
  noVisitors: '还没有访客。把下面这一行粘贴到您的页面中，然后打开任一页面：',
  back: '全部访客',
  noVisitor: '该站点没有这位访客，可能已被删除。',
  firstSeen: '首次访问',
  why: '原因',
  whyHere: '为什么处于这一阶段',
  sticky: '一旦到达，永久保留。',
  next: '距离“{{stage}}”最近的一步',
  history: '阶段变化过程',
  noHistory: '阶段尚未变化。',
  begins: '从“{{to}}”开始',
  becomes: '由“{{from}}”变为“{{to}}”',
  leaves: '“{{from}}”结束',
  causeEvent: '由事件“{{event}}”引起，规则“{{rule}}”，规则版本 {{rules}}',
  causeExpiry: '时间窗口到期：规则“{{rule}}”不再成立，规则版本 {{rules}}',
  causeRules: '规则更新为版本 {{rules}}：规则“{{rule}}”',
  causeLink: '得知（或不再认为）该访客属于某位用户：同一用户的各浏览器合并计算',
  timeline: '时间线',
  all: '全部满足',
  any: '满足其一',
  not: '不满足',
  until: '有效至 {{day}}',
  within: '最近 {{count}} 天内',
  ever: '任何时候',
  atLeast: '至少 {{value}}',
  atMost: '至多 {{value}}',
  count: '次',
  distinct: '个不同值',
  value: '金额',
  days: '天',
  have: '目前 {{value}}',
  none: '无',
  direct: '直接访问',
  stages: {
    none: '无阶段',
    awareness: '认知',
    interest: '兴趣',
    consideration: '意向',
    action: '行动',
    loyalty: '忠诚',
  },
};

const KEY = 'stagetag:language';

export type Language = 'en' | 'zh';

/** The language of the page: what was chosen, else the browser's. */
export const language = signal<Language>(
  (localStorage.getItem(KEY) as Language | null) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en'),
);

void i18next.init({
  lng: language.value,
  fallbackLng: false,
  resources: { en: { translation: en }, zh: { translation: zh } },
  interpolation: { escapeValue: false }, // Preact shows texts as texts.
});

export function switchLanguage(): void {
  const next = language.value === 'en' ? 'zh' : 'en';
  void i18next.changeLanguage(next);
  localStorage.setItem(KEY, next);
  language.value = next;
  document.documentElement.lang = next;
}

document.documentElement.lang = language.value;

type Key = Exclude<keyof typeof en, 'stages'> | `stages.${keyof (typeof en)['stages']}`;

/** The text of that name in the page's language. */
export const t = (key: Key, values: Record<string, unknown> = {}): string => (language.value, i18next.t(key, values));

const locale = () => (language.value === 'zh' ? 'zh-CN' : 'en-GB');

/** A moment in the site's time zone. */
export const showTime = (time: number, timeZone: string): string =>
  new Intl.DateTimeFormat(locale(), { timeZone, dateStyle: 'medium', timeStyle: 'medium' }).format(time);

export const showNumber = (value: number): string =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(value);

export const showShare = (value: number): string =>
  new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 0 }).format(value);
