/** 日本語：タグ、複数選択、検索の条件、費用、ファイル。 */
import type { LibraryMessages } from './library.en';

const n = (value: number) => value.toLocaleString('ja');

export const libraryJa: LibraryMessages = {
  tags: {
    title: 'タグ',
    edit: 'タグ…',
    here: '付いているタグ',
    add: 'タグを追加',
    placeholder: 'タグを探す、または名前を付ける',
    create: (tag) => `新しいタグ「${tag}」`,
    remove: (tag) => `「${tag}」を外す`,
    show: (tag) => `「${tag}」が付いた会話すべて`,
    of: (tag, count) => `${tag}、${n(count)} 件の会話`,
    share: (count, of) => `${n(of)} 件中 ${n(count)} 件`,
    first: 'まだタグがありません。最初のタグの名前を入力してください。',
    none: 'すべてのタグが付いています。名前を入力すると新しく作れます。',
    already: 'このタグはもう付いています。',
    added: (tag, count) => (count === 1 ? `タグ「${tag}」を付けました` : `${n(count)} 件にタグ「${tag}」を付けました`),
    removed: (tag, count) => (count === 1 ? `「${tag}」を外しました` : `${n(count)} 件から「${tag}」を外しました`),
    failed: 'タグを読み込めませんでした。',
    emptyList: 'このタグが付いた会話はもうありません。',
  },
  selection: {
    acts: '選択した会話の操作',
    clear: '選択を解除',
    count: (count) => `${n(count)} 件を選択中`,
    cleared: '選択を解除しました',
    reading: '一覧全体を読み込んでいます…',
    archived: (count) => `${n(count)} 件の会話をアーカイブしました`,
    unarchived: (count) => `${n(count)} 件の会話を一覧に戻しました`,
    deleted: (count) => `${n(count)} 件の会話をゴミ箱に移しました`,
    restored: (count) => `${n(count)} 件の会話を復元しました`,
    keySelect: '会話を選択',
    keyAll: '一覧全体を選択',
  },
  files: {
    title: 'このコンピューターのファイル',
    keep: 'オフラインで保持',
    keeps: { all: 'すべて', recent: '過去 30 日', on_demand: '必要なときだけ' },
    keepTexts: {
      all: 'アカウントのファイルを、新しいものから入るだけ保持します。',
      recent: '過去 30 日以内に添付したか開いたファイルを保持します。',
      on_demand: 'ファイルは開いたときに取得します。',
    },
    bound: '上限',
    unit: 'GiB',
    wrongBound: (least, most) => `${least} から ${most} までの数を入力してください。上限は前のままです。`,
    used: (count, size) => `ここに ${n(count)} 件、${size}`,
    waiting: (count) => `送信待ち ${n(count)} 件`,
    remote: (count, size) => `サーバーだけにあと ${n(count)} 件、${size}`,
    above: '上限を超えています。このコンピューターにしかないファイルと、送信待ちのファイルは残ります。',
    local: 'このライブラリにはアカウントがないため、ファイルはすべてここだけにあり、残ります。',
    loading: '数えています…',
    failed: 'ファイルを数えられませんでした。',
  },
};
