/** What the API says where it refuses something, in Chinese: `$1` stands for what the message names. Loaded when there is something to say. */
const MESSAGES: Array<[says: RegExp, chinese: string]> = [
  [/^this takes the role (\w+), and yours is (\w+)$/, '此操作需要“$1”角色，您的角色是“$2”'],
  [
    /^another site's page may not do this; .*$/,
    '其他网站的页面不能进行此操作；如果这是看板本身，请让采集服务前的代理传递 Host 请求头',
  ],
  [/^from: expected a day not after to$/, '开始日期不能晚于结束日期'],
  [/^from, to: expected days such as (.*)$/, '日期应形如 $1'],
  [/^from, to: expected at most (\d+) days$/, '时间范围最多 $1 天'],
  [/^day: expected one such as (.*)$/, '日期应形如 $1'],
  [/^there is no draft of this site.s rules$/, '还没有保存规则草稿'],
  [/^this site never had such a version$/, '本站点没有这个版本'],
  [/version (\d+) is not valid any more$/, '版本 $1 的规则已不再有效，未作任何更改'],
  [/^this site has no such audience.*$/, '没有这个人群，可能已被删除'],
  [/^this site has no such note.*$/, '没有这条备注，可能已被删除'],
  [/^this site has no such view.*$/, '没有这个视图，可能已被删除'],
  [/^this site has no such link.*$/, '没有这个链接，可能已失效'],
  [/^this site has no such visitor$/, '没有这位访客'],
  [/^no site has this key$/, '没有这个站点'],
  [/^there is no user of this name$/, '没有这个用户'],
  [/^name: there is a user called (.*) already$/, '已有名为“$1”的用户'],
  [
    /^name: expected (?:a text of )?1 to (\d+) characters that is not admin$/,
    '名称应为 1 到 $1 个字符，且不能是 admin',
  ],
  [/^name: expected (?:a text of )?1 to (\d+) characters$/, '名称应为 1 到 $1 个字符'],
  [/^text: expected 1 to (\d+) characters$/, '内容应为 1 到 $1 个字符'],
  [/^role: expected one of (.*)$/, '角色应为其中之一：$1'],
  [/^template: expected one of (.*), got .*$/, '模板应为其中之一：$1'],
  [/^currency: expected .*, got (.*)$/, '货币应为 ISO 4217 代码，例如 CNY，实际为 $1'],
  [/^origins: expected a list such as (.*)$/, '请至少填写一个网站地址，例如 $1'],
  [
    /^origins: expected an address such as (.*), each sub-domain by its name, got (.*)$/,
    '网站地址应形如 $1，子域名须逐个填写，实际为 $2',
  ],
  [/^timeZone: expected .*, got (.*)$/, '时区应为 IANA 名称，例如 Asia/Shanghai，实际为 $1'],
  [/^retentionDays: expected a whole number from (\d+) to (\d+).*$/, '保存天数应为 $1 到 $2 的整数，留空表示一直保存'],
  [
    /^internal: expected a list of at most (\d+) .*such as (.*) and ([^,]*), got (.*)$/,
    '应为最多 $1 个地址或网段，例如 $2 或 $3，实际为 $4',
  ],
  [/^internal: expected a list of at most (\d+) .*such as (.*) and (.*)$/, '应为最多 $1 个地址或网段，例如 $2 或 $3'],
  [/^channels: expected at most (\d+) channels.*$/, '最多可为来源指定 $1 个渠道'],
  [/^targets: expected numbers above 0.*$/, '目标应为大于 0 的数字'],
  [/^days: expected a whole number from 1 to (\d+)$/, '天数应为 1 到 $1 的整数'],
  [/^address: expected one of the views (.*): others show visitors$/, '只能分享这些视图：$1；其他视图会显示访客'],
  [/^too many tries from this address; wait a minute$/, '尝试次数过多，请一分钟后再试'],
  [/^token: expected .*$/, '令牌不正确：请输入您的令牌或管理令牌，或重启采集服务以获得新的登录链接'],
  [
    /^line 1: expected one column for (.*), got several; take the others out; nothing was changed$/,
    '第 1 行有多个列都表示 $1，请只保留一个，未作任何更改',
  ],
  [
    /^line 1: expected the columns (.*) with commas between, got .*; nothing was changed$/,
    '第 1 行应包含以逗号分隔的列名 $1，未作任何更改',
  ],
  [
    /^line (\d+): expected as many cells as columns.*$/,
    '第 $1 行的单元格数与列数不符（含逗号的单元格需加引号），未作任何更改',
  ],
  [/^line ([\d, …]+): day: .*such as (.*); .*$/, '第 $1 行：日期应形如 $2，未作任何更改'],
  [/^line ([\d, …]+): cost: .*$/, '第 $1 行：花费应为不小于 0 的数字，例如 1200.50，未作任何更改'],
  [/^line ([\d, …]+): channel: .*$/, '第 $1 行：请填写渠道名称，未作任何更改'],
  [/^line ([\d, …]+): .*$/, '第 $1 行有误，未作任何更改'],
  [/^expected at most (\d+) lines, got (\d+).*$/, '最多 $1 行，实际 $2 行，未作任何更改'],
  [/^costs\[(\d+)\]: .*$/, '第 $1 项花费有误，未作任何更改'],
  [/^when[\w.[\]]*:? no signal is called "([^"]*)".*$/, '人群条件中的信号“$1”已不在规则中，请打开人群并修改条件'],
  [/^when[\w.[\]]*:? .*$/s, '人群条件有误，请打开人群并修改条件'],
  [/^the body is larger than (\d+) bytes$/, '内容超过 $1 字节'],
  [/^bot: expected null, or a reason .*$/, '原因应为最多 64 个字母、数字或下划线'],
  [/^steps: no signal is called (.*?)[;,.].*$/s, '规则中已没有信号“$1”，请重新选择漏斗步骤'],
  [/^rules: there is no version (\d+).*$/s, '没有第 $1 版规则，请重新选择'],
  [/^\w+: .*$/s, '页面地址中的选择已无效，请在页面中重新选择'],
];

/** What is not known is said as it is. */
export function sayInChinese(message: string): string {
  const known = MESSAGES.find(([says]) => says.test(message));
  // Of a longer message the part that is known is all that is said.
  return known ? known[0].exec(message)![0].replace(...known) : message;
}
