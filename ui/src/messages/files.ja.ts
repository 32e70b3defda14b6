/** 日本語: 会話のファイルと、ドロップされたファイル。 */
import type { filesEn } from './files.en';

const n = (value: number) => value.toLocaleString('ja');

export const filesJa: typeof filesEn = {
  gallery: {
    title: 'ファイル',
    open: 'この会話のファイル',
    close: 'ファイルを閉じる',
    which: '表示',
    only: { all: 'すべて', pictures: '画像', files: 'その他' },
    count: (count) => `${n(count)} 個のファイル`,
    none: 'まだファイルはありません',
    noneText: 'この会話であなたやモデルが添付したものがここに集まります。',
    noneOf: 'この種類のファイルはありません',
    failed: 'ファイルを読み込めませんでした。',
    loading: 'ファイルを読み込んでいます…',
    standing: {
      here: 'このコンピューターにあります',
      kept: '常にここに保持',
      leaving: 'まもなくここから消えます',
      waiting: 'アップロード待ち',
      remote: 'クラウドのみ',
      coming: 'ダウンロード予定',
      missing: '利用できません',
      failed: '失敗',
    },
    keepAll: 'この会話のファイルをここに保持',
    keepAllText: (bound) => `今後のものも含めてすべて、ファイルの上限 ${bound} を超えても保持します。ほかのファイルが場所を空けます。`,
    local: 'サインインしていないため、すべてのファイルはこのコンピューターだけにあります。',
    limit: '上限を変更…',
    actions: (name) => `${name} の操作`,
    showIt: '会話で表示',
    openIt: '大きく表示',
    keep: '常にここに保持',
    letGo: 'ここの空き容量を増やす',
    kept: (name) => `「${name}」をこのコンピューターに保持します`,
    letGone: (name) => `「${name}」はクラウドに残り、このコンピューターから消えます`,
  },
  drop: {
    attach: 'ドロップしてメッセージに添付',
    files: '一緒に送るファイル',
    refusals: {
      folder: (name) => `${name} はフォルダーです。中のファイルか、その ZIP をドロップしてください。`,
      empty: (name) => `${name} は空のため、添付しませんでした。`,
      too_large: (name) => `${name} は 200 MiB を超えているため、添付しませんでした。分割するか、小さいものを添付してください。`,
      unreadable: (name) => `${name} を読み込めませんでした。まだそこにありますか？`,
    },
  },
};
