/** 简体中文：对话的文件，以及拖放的文件。 */
import type { filesEn } from './files.en';

const n = (value: number) => value.toLocaleString('zh-Hans');

export const filesZhHans: typeof filesEn = {
  gallery: {
    title: '文件',
    open: '此对话的文件',
    close: '关闭文件',
    which: '显示',
    only: { all: '全部', pictures: '图片', files: '其他文件' },
    count: (count) => `${n(count)} 个文件`,
    none: '还没有文件',
    noneText: '你或模型在此对话中附上的内容都会收集在这里。',
    noneOf: '没有这类文件',
    failed: '无法读取文件。',
    loading: '正在读取文件…',
    standing: {
      here: '在此电脑上',
      kept: '始终保留在此',
      leaving: '即将离开此电脑',
      waiting: '等待上传',
      remote: '仅在云端',
      coming: '将会下载',
      missing: '无法获取',
      failed: '失败',
    },
    keepAll: '将此对话的文件保留在此',
    keepAllText: (bound) => `全部保留，包括以后的文件，即使超过 ${bound} 的文件上限。其他文件会为其腾出空间。`,
    local: '你尚未登录，因此所有文件只在此电脑上。',
    limit: '更改上限…',
    actions: (name) => `${name} 的操作`,
    showIt: '在对话中显示',
    openIt: '放大查看',
    keep: '始终保留在此',
    letGo: '释放此处空间',
    kept: (name) => `“${name}”会保留在此电脑上`,
    letGone: (name) => `“${name}”留在云端，并离开此电脑`,
  },
  drop: {
    attach: '松开以附加到消息',
    files: '随消息发送的文件',
    refusals: {
      folder: (name) => `${name} 是文件夹。请拖入其中的文件或其 ZIP。`,
      empty: (name) => `${name} 是空文件，未附加。`,
      too_large: (name) => `${name} 超过 200 MiB，未附加。请拆分或附加较小的文件。`,
      unreadable: (name) => `无法读取 ${name}。它还在那里吗？`,
    },
  },
};
