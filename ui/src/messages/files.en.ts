/** English, of files: those of a conversation, and those that are dropped. */
const many = (n: number, one: string, more: string) => `${n.toLocaleString('en')} ${n === 1 ? one : more}`;

export const filesEn = {
  gallery: {
    title: 'Files',
    open: 'Files of this conversation',
    close: 'Close files',
    which: 'Show',
    only: { all: 'All', pictures: 'Pictures', files: 'Other files' },
    count: (n: number) => many(n, 'file', 'files'),
    none: 'No files yet',
    noneText: 'What you or a model attach in this conversation is collected here.',
    noneOf: 'Nothing of this kind',
    failed: 'The files could not be read.',
    loading: 'Reading the files…',
    standing: {
      here: 'On this computer',
      kept: 'Always kept here',
      leaving: 'Leaves this computer soon',
      waiting: 'Waiting to be uploaded',
      remote: 'In the cloud only',
      coming: 'Will be downloaded',
      missing: 'Not available',
      failed: 'Failed',
    },
    keepAll: 'Keep this conversation’s files here',
    keepAllText: (bound: string) =>
      `All of them, those still to come included, even above your limit of ${bound} for files. Others make room for them.`,
    local: 'You are not signed in, so all files are on this computer alone.',
    limit: 'Change the limit…',
    actions: (name: string) => `Actions for ${name}`,
    showIt: 'Show in the conversation',
    openIt: 'Open large',
    keep: 'Always keep here',
    letGo: 'Free up space here',
    kept: (name: string) => `“${name}” is kept on this computer`,
    letGone: (name: string) => `“${name}” stays in the cloud and leaves this computer`,
  },
  drop: {
    attach: 'Drop to attach to your message',
    files: 'Files to send along',
    refusals: {
      folder: (name: string) => `${name} is a folder. Drop its files instead, or a ZIP of it.`,
      empty: (name: string) => `${name} is empty and was not attached.`,
      too_large: (name: string) => `${name} is larger than 200 MiB and was not attached. Split it, or attach a smaller one.`,
      unreadable: (name: string) => `${name} could not be read. Is it still there?`,
    },
  },
};
