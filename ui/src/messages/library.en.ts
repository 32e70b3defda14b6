/** English, of what helps to find one's way in a large library: tags, choosing many, search filters, costs, files. */
const many = (n: number, one: string, other: string) => `${n.toLocaleString('en')} ${n === 1 ? one : other}`;

export const libraryEn = {
  tags: {
    title: 'Tags',
    edit: 'Tags…',
    here: 'Tags of it',
    add: 'Add a tag',
    placeholder: 'Find or name a tag',
    create: (tag: string) => `New tag “${tag}”`,
    remove: (tag: string) => `Remove “${tag}”`,
    show: (tag: string) => `Everything with “${tag}”`,
    of: (tag: string, n: number) => `${tag}, ${many(n, 'conversation', 'conversations')}`,
    share: (n: number, of: number) => `${n.toLocaleString('en')} of ${of.toLocaleString('en')}`,
    first: 'There are no tags yet. Type the name of the first one.',
    none: 'It has every tag there is. Type a name for a new one.',
    already: 'It has this tag.',
    added: (tag: string, n: number) => (n === 1 ? `Tagged “${tag}”` : `${n.toLocaleString('en')} tagged “${tag}”`),
    removed: (tag: string, n: number) => (n === 1 ? `“${tag}” removed` : `“${tag}” removed from ${n.toLocaleString('en')}`),
    failed: 'The tags could not be read.',
    emptyList: 'No conversation has this tag any more.',
  },
  selection: {
    acts: 'What to do with the selected',
    clear: 'Clear the selection',
    count: (n: number) => `${n.toLocaleString('en')} selected`,
    cleared: 'Selection cleared',
    reading: 'Reading the whole list…',
    archived: (n: number) => `${many(n, 'conversation', 'conversations')} archived`,
    unarchived: (n: number) => `${many(n, 'conversation is', 'conversations are')} back in the list`,
    deleted: (n: number) => `${many(n, 'conversation is', 'conversations are')} in the trash`,
    restored: (n: number) => `${many(n, 'conversation', 'conversations')} restored`,
    keySelect: 'Select conversations',
    keyAll: 'Select the whole list',
  },
  files: {
    title: 'Files on this computer',
    keep: 'Kept offline',
    keeps: { all: 'All', recent: 'Last 30 days', on_demand: 'On demand' },
    keepTexts: {
      all: 'All files of the account that fit, the newest first.',
      recent: 'Files that were attached or opened within the last 30 days.',
      on_demand: 'A file comes when it is opened.',
    },
    bound: 'At most',
    unit: 'GiB',
    wrongBound: (least: string, most: string) => `Enter a number from ${least} to ${most}. The limit before stays.`,
    used: (n: number, size: string) => `${many(n, 'file', 'files')} here, ${size}`,
    waiting: (n: number) => `${n.toLocaleString('en')} still to be sent`,
    remote: (n: number, size: string) => `${many(n, 'more', 'more')} only on the server, ${size}`,
    above: 'More lies here than the limit: what only this computer has, or is still to be sent, stays.',
    local: 'This library has no account, so all its files lie only here and stay.',
    loading: 'Counting…',
    failed: 'The files could not be counted.',
  },
};

export type LibraryMessages = typeof libraryEn;
