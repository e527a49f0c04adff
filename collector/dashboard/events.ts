/** What events and their properties are called, in English and Chinese: those that are known by name. */
import { language } from './texts.js';

type Names = Record<string, [en: string, zh: string]>;

const EVENT_NAMES: Names = {
  page_view: ['Page view', '浏览页面'],
  session_start: ['Visit began', '访问开始'],
  user_engagement: ['Engaged', '停留'],
  scroll: ['Scrolled', '滚动'],
  search: ['Search', '站内搜索'],
  file_download: ['Download', '下载'],
  outbound_click: ['Left by a link', '点击外链'],
  form_start: ['Form begun', '开始填写表单'],
  form_submit: ['Form sent', '提交表单'],
  form_abandon: ['Form given up', '放弃表单'],
  web_vital: ['Web vital', '网页性能'],
  identify: ['Identified', '识别用户'],
  login: ['Sign-in', '登录'],
  sign_up: ['Sign-up', '注册'],
  generate_lead: ['Lead', '留资'],
  start_trial: ['Trial began', '开始试用'],
  book_demo: ['Demo booked', '预约演示'],
  contact: ['Contact', '联系'],
  view_item: ['Product seen', '查看商品'],
  add_to_cart: ['Put into the cart', '加入购物车'],
  begin_checkout: ['Checkout begun', '开始结账'],
  purchase: ['Order', '购买'],
  refund: ['Given back', '退款'],
  share: ['Share', '分享'],
  invite: ['Invitation', '邀请'],
  nps: ['Recommendation (NPS)', '推荐意愿（NPS）'],
};

const PROP_NAMES: Names = {
  file_name: ['file', '文件'],
  file_extension: ['kind of file', '文件类型'],
  link_url: ['link', '链接'],
  link_text: ['text of the link', '链接文字'],
  form_id: ['form', '表单'],
  form_name: ['name of the form', '表单名称'],
  form_destination: ['sent to', '提交至'],
  fields_filled: ['fields filled', '已填字段'],
  fields_total: ['fields', '字段总数'],
  last_field: ['last field', '最后字段'],
  seconds: ['seconds', '秒'],
  percent: ['percent', '百分比'],
  engagement_time_msec: ['milliseconds', '毫秒'],
  search_term: ['looked for', '搜索词'],
  metric: ['metric', '指标'],
  value: ['value', '数值'],
  rating: ['rating', '评级'],
  transaction_id: ['order number', '订单号'],
  currency: ['currency', '币种'],
  items: ['items', '商品'],
  item_id: ['item', '商品编号'],
  coupon: ['coupon', '优惠券'],
  score: ['score', '分数'],
};

/** Events that are known by name. */
export const EVENTS = Object.keys(EVENT_NAMES);

const nameIn = (names: Names, name: string): string =>
  Object.hasOwn(names, name) ? names[name]![language.value === 'zh' ? 1 : 0] : name;

/** What people call an event. */
export const showEvent = (name: string): string => nameIn(EVENT_NAMES, name);

/** What people call a property of one. */
export const showProp = (name: string): string => nameIn(PROP_NAMES, name);
