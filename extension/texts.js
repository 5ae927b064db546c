/**
 * What the panel says, in English and Chinese.
 *
 * Owns the words. Goes by SillyTavern's own locale; any but Chinese reads English.
 */

const ENGLISH = Object.freeze({
  address: 'Broker address',
  key: 'Key',
  askForKey: 'Ask the broker for a key',
  keyHint: 'Made with: tapster keys make {clientId}',
  password: 'Password, if the broker has one for this SillyTavern',
  connectAtStart: 'Connect when SillyTavern starts',
  connect: 'Connect',
  disconnect: 'Disconnect',
  takeOver: 'Use this tab instead',
  allow: 'Remote people may',
  chat: 'get answers in the visible chat',
  messages: 'get answers from messages of their own',
  switchCharacter: 'switch the character',
  readChat: 'read the chat',
  editChat: 'edit and delete messages',
  stop: 'stop a generation',
  macros: 'use macros such as {{user}} in what they send',
  slashCommands: 'run these slash commands',
  queue: 'Waiting at the broker',
  requests: 'Last requests',
  none: 'None yet.',
  characters: '{count} chars',
  off: 'Not connected',
  connecting: 'Connecting…',
  online: 'Connected as {clientId}',
  busy: 'Answering as {clientId}',
  lost: 'Connection lost, coming back…',
  away: 'The broker stops and asks us to wait: connecting again at {time}',
  elsewhere: 'Another tab of this SillyTavern is connected',
  refused: 'The broker does not let us in',
  givenUp: 'The broker did not come back',
  waiting: 'waiting',
  running: 'running',
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
  inChat: 'chat',
  fromMessages: 'messages',
  elsewhereToast: 'Another tab of this SillyTavern is connected to Tapster. Click to use this one.',
  takenOverToast: 'Another tab of this SillyTavern is connected to Tapster now.',
  refusedToast: 'Tapster does not let this SillyTavern in: {reason}',
});

const CHINESE = Object.freeze({
  address: 'Broker 地址',
  key: '密钥',
  askForKey: '向 broker 申请密钥',
  keyHint: '生成方法：tapster keys make {clientId}',
  password: '密码（如果 broker 为此 SillyTavern 设置了密码）',
  connectAtStart: 'SillyTavern 启动时连接',
  connect: '连接',
  disconnect: '断开',
  takeOver: '改用此标签页',
  allow: '远程用户可以',
  chat: '在可见的聊天中获得回答',
  messages: '用自己的消息列表获得回答',
  switchCharacter: '切换角色',
  readChat: '读取聊天记录',
  editChat: '编辑和删除消息',
  stop: '停止生成',
  macros: '在发送的文本中使用宏，例如 {{user}}',
  slashCommands: '运行以下斜杠命令',
  queue: '在 broker 排队',
  requests: '最近的请求',
  none: '暂无。',
  characters: '{count} 个字符',
  off: '未连接',
  connecting: '正在连接…',
  online: '已连接：{clientId}',
  busy: '正在回答：{clientId}',
  lost: '连接中断，正在恢复…',
  away: 'Broker 正在停止并请求等待：将于 {time} 重新连接',
  elsewhere: '此 SillyTavern 的另一个标签页已连接',
  refused: 'Broker 拒绝了连接',
  givenUp: 'Broker 没有恢复',
  waiting: '等待中',
  running: '进行中',
  completed: '已完成',
  cancelled: '已取消',
  failed: '失败',
  inChat: '聊天',
  fromMessages: '消息',
  elsewhereToast: '此 SillyTavern 的另一个标签页已连接到 Tapster。点击以改用此标签页。',
  takenOverToast: '此 SillyTavern 的另一个标签页现在连接到了 Tapster。',
  refusedToast: 'Tapster 拒绝了此 SillyTavern：{reason}',
});

export const LANGUAGES = Object.freeze({ en: ENGLISH, zh: CHINESE });

/**
 * @param {string} locale SillyTavern's, such as `zh-cn`
 * @returns {(name: keyof ENGLISH, facts?: Record<string, unknown>) => string}
 */
export function textsIn(locale) {
  const texts = locale.toLowerCase().startsWith('zh') ? CHINESE : ENGLISH;
  return (name, facts = {}) =>
    texts[name].replace(/(?<!\{)\{(\w+)\}(?!\})/g, (_, fact) => String(facts[fact] ?? ''));
}
