/** 简体中文：标签、多选、搜索筛选、费用、文件。 */
import type { LibraryMessages } from './library.en';

const n = (value: number) => value.toLocaleString('zh-Hans');

export const libraryZhHans: LibraryMessages = {
  tags: {
    title: '标签',
    edit: '标签…',
    here: '已有的标签',
    add: '添加标签',
    placeholder: '查找或新建标签',
    create: (tag) => `新标签“${tag}”`,
    remove: (tag) => `移除“${tag}”`,
    show: (tag) => `所有带“${tag}”的对话`,
    of: (tag, count) => `${tag}，${n(count)} 个对话`,
    share: (count, of) => `${n(count)} / ${n(of)}`,
    first: '还没有标签。输入名称即可新建第一个。',
    none: '已有全部标签。输入名称可新建。',
    already: '已有这个标签。',
    added: (tag, count) => (count === 1 ? `已添加标签“${tag}”` : `已给 ${n(count)} 个对话添加标签“${tag}”`),
    removed: (tag, count) => (count === 1 ? `已移除“${tag}”` : `已从 ${n(count)} 个对话移除“${tag}”`),
    failed: '无法读取标签。',
    emptyList: '已经没有对话带有这个标签。',
  },
  selection: {
    acts: '对所选对话的操作',
    clear: '取消选择',
    count: (count) => `已选择 ${n(count)} 个`,
    cleared: '已取消选择',
    reading: '正在读取整个列表…',
    archived: (count) => `已归档 ${n(count)} 个对话`,
    unarchived: (count) => `${n(count)} 个对话已回到列表`,
    deleted: (count) => `${n(count)} 个对话已移到回收站`,
    restored: (count) => `已恢复 ${n(count)} 个对话`,
    keySelect: '选择多个对话',
    keyAll: '选择整个列表',
  },
  files: {
    title: '这台电脑上的文件',
    keep: '离线保留',
    keeps: { all: '全部', recent: '最近 30 天', on_demand: '按需' },
    keepTexts: {
      all: '保留账户中放得下的全部文件，优先保留最新的。',
      recent: '保留最近 30 天内添加或打开过的文件。',
      on_demand: '打开文件时才下载。',
    },
    bound: '最多',
    unit: 'GiB',
    wrongBound: (least, most) => `请输入 ${least} 到 ${most} 之间的数字。原来的上限保持不变。`,
    used: (count, size) => `这里有 ${n(count)} 个文件，共 ${size}`,
    waiting: (count) => `${n(count)} 个等待上传`,
    remote: (count, size) => `另有 ${n(count)} 个只在服务器上，共 ${size}`,
    above: '占用超过了上限：只有这台电脑才有的文件，以及等待上传的文件，会一直保留。',
    local: '这个资料库没有账户，所有文件都只在这里，会一直保留。',
    loading: '正在统计…',
    failed: '无法统计文件。',
  },
};
