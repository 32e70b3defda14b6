/** 日本語：初回の起動、サンプル、ライブラリの扱い。 */
import type { homeEn } from './home.en';

export const homeJa: typeof homeEn = {
  welcome: {
    title: 'AIRI へようこそ',
    text: 'AI との会話を、このコンピューターに保存します。どこから始めますか？',
    ways: '始め方',
    chat: 'チャットを始める',
    chatText: 'このコンピューターのモデル、またはプロバイダーのモデルで。',
    bring: '履歴を取り込む',
    bringText: 'ChatGPT、Claude、AIRI の書き出しファイル。ここにドロップしても取り込めます。',
    signIn: 'サインイン',
    signInText: 'ほかの端末と同期します。',
    sample: 'サンプルを見る',
    sampleText: '架空の履歴を別のウィンドウで開きます。何も残りません。',
    later: 'どれも後から行えます。',
  },
  sample: {
    label: 'サンプル',
    text: 'これはサンプルです。ここで行ったことは何も残りません。',
    leave: 'サンプルを閉じる',
  },
  startChat: {
    title: 'チャットを始める',
    text: '誰が答えますか？ほかのものもいつでも追加できます。',
    go: 'チャットを始める',
    notYet: 'モデルが用意できたら始められます。',
  },
  server: {
    which: 'サーバー',
    builtIn: 'AIRI のサーバー',
    own: '別のアドレス',
    builtInText: (address) => `このアプリは ${address} 用に作られています。`,
  },
};
