/** 简体中文：首次启动、示例，以及资料库的去留。 */
import type { homeEn } from './home.en';

export const homeZhHans: typeof homeEn = {
  welcome: {
    title: '欢迎使用 AIRI',
    text: '你与 AI 的对话，保存在这台电脑上。你想从哪里开始？',
    ways: '开始的方式',
    chat: '开始聊天',
    chatText: '使用这台电脑上的模型，或提供方的模型。',
    bring: '导入历史记录',
    bringText: 'ChatGPT、Claude 或 AIRI 的导出文件，也可以直接拖放到这里。',
    signIn: '登录',
    signInText: '与你的其他设备同步。',
    sample: '看看示例',
    sampleText: '一份虚构的历史记录，在单独的窗口中打开，不会留下任何痕迹。',
    later: '这些以后随时都可以做。',
  },
  sample: {
    label: '示例',
    text: '这是示例。你在这里做的一切都不会保留。',
    leave: '关闭示例',
  },
  startChat: {
    title: '开始聊天',
    text: '由谁来回答？之后随时可以添加其他模型。',
    go: '开始聊天',
    notYet: '有了模型之后即可开始。',
  },
  server: {
    which: '哪个服务器',
    builtIn: 'AIRI 的服务器',
    own: '其他地址',
    builtInText: (address) => `此应用默认使用 ${address}。`,
  },
};
