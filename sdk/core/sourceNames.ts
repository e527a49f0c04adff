/**
 * Names by which sources are known, and where each stands: hosts as they come in referrers and labels, without what a registry sells. A list
 * that others keep comes before the maker's own address. No kept package has them; the first is in the public domain (CC0).
 */
const LIST = 'https://github.com/matomo-org/searchengine-and-social-list/blob/master';

export type SourceKind = 'search' | 'social' | 'video' | 'shopping' | 'assistant';

export const SOURCE_NAMES: Array<[kind: SourceKind, names: string, from: string]> = [
  [
    'search',
    'google bing baidu sogou so.com so.360.cn haosou sm.cn yandex ya.ru duckduckgo yahoo ecosia naver qwant startpage seznam coccoc',
    `${LIST}/SearchEngines.yml`,
  ],
  ['search', 'brave', 'https://search.brave.com'],
  ['search', 'chinaso', 'https://www.chinaso.com'],
  ['search', 'ask.com', 'https://www.ask.com'],
  ['search', 'daum', 'https://www.daum.net'],
  [
    'social',
    'facebook instagram linkedin lnkd twitter t.co reddit pinterest pin.it telegram weibo t.cn qzone.qq douban tumblr xing vk.com ok.ru v2ex',
    `${LIST}/Socials.yml`,
  ],
  ['social', 'fb', 'https://fb.com'],
  ['social', 'x.com', 'https://x.com'],
  ['social', 'quora', 'https://www.quora.com'],
  ['social', 'threads', 'https://www.threads.com'],
  ['social', 'tiktok', 'https://www.tiktok.com'],
  ['social', 'bsky bsky.social', 'https://bsky.social'],
  ['social', 'mastodon mastodon.social mastodon.online', 'https://joinmastodon.org/servers'],
  ['social', 't.me', 'https://t.me'],
  ['social', 'whatsapp wa.me', 'https://www.whatsapp.com'],
  ['social', 'snapchat', 'https://www.snapchat.com'],
  ['social', 'discord', 'https://discord.com'],
  ['social', 'news.ycombinator', 'https://news.ycombinator.com'],
  ['social', 'line.me', 'https://line.me'],
  ['social', 'weixin weixin.qq wechat servicewechat com.tencent.mm', 'https://weixin.qq.com'],
  ['social', 'com.sina.weibo', 'https://play.google.com/store/apps/details?id=com.sina.weibo'],
  ['social', 'xiaohongshu xhs xhslink com.xingin.xhs', 'https://www.xiaohongshu.com'],
  ['social', 'zhihu', 'https://www.zhihu.com'],
  ['social', 'douyin iesdouyin com.ss.android.ugc.aweme', 'https://www.douyin.com'],
  ['social', 'toutiao', 'https://www.toutiao.com'],
  ['social', 'tieba.baidu', 'https://tieba.baidu.com'],
  ['video', 'youtube youtu vimeo', `${LIST}/Socials.yml`],
  ['video', 'com.google.android.youtube', 'https://play.google.com/store/apps/details?id=com.google.android.youtube'],
  ['video', 'bilibili b23.tv', 'https://www.bilibili.com'],
  ['video', 'twitch', 'https://www.twitch.tv'],
  ['video', 'dailymotion', 'https://www.dailymotion.com'],
  ['video', 'kuaishou gifshow chenzhongtech', 'https://www.kuaishou.com'],
  ['video', 'ixigua', 'https://www.ixigua.com'],
  ['video', 'youku', 'https://www.youku.com'],
  ['video', 'iqiyi', 'https://www.iqiyi.com'],
  ['shopping', 'amazon', 'https://www.amazon.com'],
  ['shopping', 'ebay', 'https://www.ebay.com'],
  ['shopping', 'etsy', 'https://www.etsy.com'],
  ['shopping', 'alibaba', 'https://www.alibaba.com'],
  ['shopping', '1688', 'https://www.1688.com'],
  ['shopping', 'taobao', 'https://www.taobao.com'],
  ['shopping', 'tmall', 'https://www.tmall.com'],
  ['shopping', 'jd', 'https://www.jd.com'],
  ['shopping', 'pinduoduo yangkeduo', 'https://www.pinduoduo.com'],
  ['shopping', 'shopify', 'https://www.shopify.com'],
  ['shopping', 'walmart', 'https://www.walmart.com'],
  [
    'assistant',
    'chatgpt chat.openai claude.ai copilot.microsoft chatglm deepseek gemini.google bard.google grok perplexity yiyan.baidu you.com chat.mistral meta.ai chat.qwen',
    `${LIST}/AIAssistants.yml`,
  ],
  ['assistant', 'copilot.cloud.microsoft m365.cloud.microsoft', 'https://copilot.cloud.microsoft'],
  ['assistant', 'poe.com', 'https://poe.com'],
  ['assistant', 'phind', 'https://www.phind.com'],
  ['assistant', 'kimi kimi.moonshot', 'https://www.kimi.com'],
  ['assistant', 'doubao', 'https://www.doubao.com'],
  ['assistant', 'yuanbao.tencent', 'https://yuanbao.tencent.com'],
  ['assistant', 'tongyi tongyi.aliyun qianwen', 'https://tongyi.aliyun.com'],
  ['assistant', 'metaso', 'https://metaso.cn'],
  ['assistant', 'xinghuo.xfyun', 'https://xinghuo.xfyun.cn'],
];

/** Names that are too short to stand for a host, or stand for something else there: they are found as whole labels alone. */
export const LABELS: Partial<Record<SourceKind, string>> = {
  search: '360 shenma 百度 搜狗 神马 必应 谷歌',
  social: 'ig wx 微信 公众号 微信公众号 朋友圈 微信朋友圈 视频号 微博 小红书 抖音 知乎 头条 今日头条 贴吧',
  video: 'b站 哔哩哔哩 快手 西瓜视频 优酷 爱奇艺',
  shopping: '淘宝 天猫 京东 拼多多',
  assistant: 'openai gemini copilot claude 豆包 元宝 腾讯元宝 通义 通义千问 文心一言',
};
