/**
 * The views of the window, each with the way to it from a fresh page on the pretended backend: for the pictures
 * (tests/shots.mjs) and for the accessibility check (tests/axe.mjs).
 */

const open = (place) => async (page) => {
  await page.getByTestId('conversation-row').nth(place).getByRole('button').first().click();
  await page.getByTestId('message').first().waitFor();
  await page.waitForTimeout(900);
};

const panel = async (page) => {
  await page.getByTestId('sync-state').click();
  await page.waitForTimeout(400);
};

const toTake = async (page) => {
  await page.getByTestId('sign-in-button').click();
  await page.getByTestId('sign-in-url').fill('https://airi.example.org');
  await page.getByTestId('sign-in-key').fill('sb_publishable_x');
  await page.getByTestId('sign-in-submit').click();
  await page.getByTestId('take-all').waitFor();
};

/** To the message with files, near the beginning of a long thread. */
async function toFiles(page) {
  await open(1)(page);
  await page.getByTestId('thread').focus();
  await page.keyboard.press('Home');
  await page.getByTestId('open-picture').first().waitFor({ state: 'attached' });
  await page.getByTestId('open-picture').first().evaluate((e) => e.scrollIntoView({ block: 'center' }));
  await page.waitForTimeout(700);
}

export const VIEWS = {
  start: { act: async () => {} },
  empty: { query: '&empty', act: async () => {} },
  welcome_zh: { query: '&empty&lang=zh-Hans', act: async () => {} },
  welcome_ja: { query: '&empty&lang=ja', act: async () => {} },
  start_chat: { query: '&empty', act: async (page) => { await page.getByTestId('welcome-chat').click(); await page.waitForTimeout(400); } },
  built_in: { query: '&empty&builtin', act: async (page) => { await page.getByTestId('welcome-sign-in').click(); await page.getByTestId('built-in-server').waitFor(); await page.waitForTimeout(300); } },
  sample: { query: '&demo', act: open(1) },
  thread: { act: open(1) },
  top: { act: async (page) => { await open(1)(page); await page.getByTestId('thread').evaluate((e) => (e.scrollTop = 0)); await page.waitForTimeout(700); } },
  picture: { act: async (page) => { await toFiles(page); await page.getByTestId('open-picture').first().waitFor({ state: 'attached' }); await page.getByTestId('open-picture').first().evaluate((e) => e.click()); await page.getByTestId('picture').waitFor(); await page.waitForTimeout(500); } },
  files: { act: toFiles },
  gallery: { query: '&sync=in_step', act: async (page) => { await open(1)(page); await page.getByTestId('gallery-button').click(); await page.getByTestId('gallery-item').first().waitFor(); await page.waitForTimeout(500); } },
  gallery_menu: { query: '&sync=in_step', act: async (page) => { await open(1)(page); await page.getByTestId('gallery-button').click(); await page.getByTestId('gallery-more').nth(2).click(); await page.waitForTimeout(300); } },
  gallery_local: { act: async (page) => { await open(1)(page); await page.getByTestId('gallery-button').click(); await page.getByText('Other files').click(); await page.getByTestId('gallery-item').first().waitFor(); await page.waitForTimeout(300); } },
  gallery_fails: { query: '&nofiles', act: async (page) => { await open(1)(page); await page.getByTestId('gallery-button').click(); await page.getByRole('alert').first().waitFor(); } },
  dropping: { query: '&models', act: async (page) => { await open(4)(page); await page.evaluate(() => window.airiDrag({ kind: 'over', x: 800, y: 400 })); await page.getByTestId('drop-draft').waitFor(); await page.waitForTimeout(200); } },
  draft_files: { query: '&models', act: async (page) => { await open(4)(page); await page.evaluate(() => window.airiDrag({ kind: 'dropped', x: 800, y: 400, archives: false, items: ['kitchen-from-the-window.png', 'measurements-2025.csv', 'Trip'].map((name, at) => ({ name, path: '', size: 48_213 * (at + 1) * 7, ticket: at < 2 ? `t-${at}` : null, refusal: at < 2 ? null : 'folder', picture: at === 0 })) })); await page.getByTestId('draft-file').first().waitFor(); await page.waitForTimeout(400); } },
  long: { act: async (page) => { await open(2)(page); await page.getByTestId('thread').evaluate((e) => (e.scrollTop = e.scrollHeight / 2)); await page.waitForTimeout(900); } },
  search: { act: async (page) => { await page.keyboard.press('Control+k'); await page.waitForTimeout(250); await page.getByTestId('search-input').fill('parser'); await page.waitForTimeout(500); } },
  hints: { act: async (page) => { await page.keyboard.press('Control+k'); await page.waitForTimeout(500); } },
  none: { act: async (page) => { await page.keyboard.press('Control+k'); await page.waitForTimeout(250); await page.getByTestId('search-input').fill('zzz'); await page.waitForTimeout(500); } },
  offers: { act: async (page) => { await page.keyboard.press('Control+k'); await page.getByTestId('search-input').fill('parser '); await page.keyboard.type('is:starred ro'); await page.getByTestId('filter-name').first().waitFor(); await page.keyboard.press('Tab'); await page.getByTestId('filter-offer').first().waitFor(); await page.waitForTimeout(300); } },
  nothing: { act: async (page) => { await page.keyboard.press('Control+k'); await page.getByTestId('search-input').fill('is:starred zzz nothing '); await page.getByTestId('drop-filter').first().waitFor(); await page.waitForTimeout(300); } },
  find: { act: async (page) => { await open(1)(page); await page.keyboard.press('Control+f'); await page.keyboard.type('line numbers'); await page.waitForTimeout(1500); } },
  hit: { act: async (page) => { await page.keyboard.press('Control+k'); await page.waitForTimeout(250); await page.getByTestId('search-input').fill('parser'); await page.waitForTimeout(400); await page.keyboard.press('Enter'); await page.waitForTimeout(900); } },
  import: { act: async (page) => { await page.getByTestId('import-button').click(); await page.waitForTimeout(400); } },
  report: { act: async (page) => { await page.getByTestId('import-button').click(); await page.getByTestId('import-file').click(); await page.getByTestId('import-report').waitFor(); await page.waitForTimeout(300); } },
  export: { act: async (page) => { await page.getByTestId('export-button').click(); await page.waitForTimeout(400); } },
  server: { act: async (page) => { await page.getByTestId('sign-in-button').click(); await page.getByTestId('sign-in-url').fill('old.example.org'); await page.getByTestId('sign-in-key').fill('sb_publishable_x'); await page.getByTestId('check-server').click(); await page.waitForTimeout(500); } },
  take: { act: async (page) => { await toTake(page); await page.waitForTimeout(300); } },
  chosen: { act: async (page) => { await toTake(page); await page.getByTestId('take-chosen').check(); await page.getByTestId('picker-option').nth(1).click(); await page.getByTestId('picker-option').nth(3).click(); await page.waitForTimeout(300); } },
  signin: { act: async (page) => { await toTake(page); await page.getByTestId('sign-in-submit').click(); await page.waitForTimeout(400); } },
  code: { act: async (page) => { await toTake(page); await page.getByTestId('sign-in-submit').click(); await page.getByText('E-mail code').click(); await page.getByTestId('sign-in-email').fill('mira@example.org'); await page.getByTestId('sign-in-submit').click(); await page.waitForTimeout(400); } },
  browser: { query: '&nobrowser', act: async (page) => { await toTake(page); await page.getByTestId('sign-in-submit').click(); await page.getByTestId('sign-in-google').click(); await page.waitForTimeout(500); } },
  again: { query: '&sync=signed_out', act: async (page) => { await page.getByTestId('ended-sign-in').click(); await page.waitForTimeout(500); } },
  first: { query: '&first', act: async (page) => { await page.waitForTimeout(2500); } },
  firstpanel: { query: '&first', act: async (page) => { await page.waitForTimeout(2200); await page.getByTestId('sync-state').click(); await page.waitForTimeout(400); } },
  ended: { query: '&sync=signed_out', act: async () => {} },
  stuck: { query: '&stuck', act: async () => {} },
  stuckpanel: { query: '&stuck', act: panel },
  instep: { query: '&sync=in_step&parked&differs', act: panel },
  local: { act: panel },
  offline: { query: '&sync=offline', act: async (page) => { await panel(page); await page.getByTestId('waiting').locator('summary').click(); await page.waitForTimeout(300); } },
  pausedpanel: { query: '&paused', act: panel },
  maintenance: { query: '&sync=maintenance', act: panel },
  suspended: { query: '&sync=suspended', act: async () => {} },
  suspendedpanel: { query: '&sync=suspended', act: panel },
  notice: { query: '&sync=in_step&notice&models', act: async (page) => { await page.getByTestId('server-notice').waitFor(); await page.getByTestId('model-picker').click(); await page.waitForTimeout(300); } },
  attention: { query: '&sync=needs_attention', act: panel },
  discard: { query: '&sync=needs_attention', act: async (page) => { await panel(page); await page.getByTestId('refused-discard').nth(1).click(); await page.waitForTimeout(400); } },
  devices: { query: '&sync=in_step', act: async (page) => { await panel(page); await page.getByTestId('tab-devices').click(); await page.waitForTimeout(300); } },
  deviceask: { query: '&sync=in_step', act: async (page) => { await panel(page); await page.getByTestId('tab-devices').click(); await page.getByTestId('device-sign-out').first().click(); await page.waitForTimeout(400); } },
  nodevices: { query: '&sync=offline', act: async (page) => { await panel(page); await page.getByTestId('tab-devices').click(); await page.waitForTimeout(300); } },
  retention: { query: '&sync=in_step', act: async (page) => { await panel(page); await page.getByRole('switch', { name: /Delete old messages/ }).press('Space'); await page.getByTestId('confirm').click(); await page.getByText('180 days').click(); await page.getByTestId('retention').evaluate((e) => e.scrollIntoView({ block: 'center' })); await page.waitForTimeout(300); } },
  retention_ask: { query: '&sync=in_step', act: async (page) => { await panel(page); await page.getByRole('switch', { name: /Delete old messages/ }).press('Space'); await page.getByTestId('confirm').waitFor(); await page.waitForTimeout(300); } },
  accounts: { query: '&sync=in_step&profiles', act: async (page) => { await panel(page); await page.getByTestId('tab-accounts').click(); await page.waitForTimeout(300); } },
  remove: { query: '&sync=in_step&profiles', act: async (page) => { await panel(page); await page.getByTestId('tab-accounts').click(); await page.getByTestId('profile-remove').nth(2).click(); await page.getByTestId('leaving-go').click(); await page.getByTestId('leaving-failure').waitFor(); await page.waitForTimeout(300); } },
  remove_local: { query: '&sync=in_step&profiles', act: async (page) => { await panel(page); await page.getByTestId('tab-accounts').click(); await page.getByTestId('profile-remove').first().click(); await page.waitForTimeout(400); } },
  delete_account: { query: '&sync=offline', act: async (page) => { await panel(page); await page.getByTestId('tab-accounts').click(); await page.getByTestId('delete-account').click(); await page.getByTestId('leaving-word').fill('mira@example.org'); await page.getByTestId('leaving-go').click(); await page.getByTestId('leaving-failure').waitFor(); await page.waitForTimeout(300); } },
  signed_out: { query: '&sync=in_step', act: async (page) => { await panel(page); await page.getByTestId('sign-out').click(); await page.getByTestId('remove-offer').waitFor(); await page.waitForTimeout(300); } },
  chosen_rows: { act: async (page) => { await page.getByTestId('conversation-row').nth(1).getByRole('button').first().click(); await page.keyboard.press('Shift+ArrowDown'); await page.keyboard.press('Shift+ArrowDown'); await page.waitForTimeout(300); } },
  tags: { act: async (page) => { await open(0)(page); await page.getByTestId('tags-fold').click(); await page.getByTestId('thread-tags').click(); await page.getByTestId('tags-here').waitFor(); await page.getByTestId('tag-input').fill('re'); await page.waitForTimeout(400); } },
  tagged: { act: async (page) => { await page.getByTestId('tags-fold').click(); await page.getByTestId('tag').first().click(); await page.waitForTimeout(500); } },
  chat: { query: '&models', act: async (page) => { await open(1)(page); await page.getByTestId('composer').fill('Where does the borrow end?'); await page.keyboard.press('Enter'); await page.getByTestId('streaming').waitFor(); await page.waitForTimeout(700); } },
  broken_off: { query: '&models=broken', act: async (page) => { await open(1)(page); await page.getByTestId('composer').fill('Where does the borrow end?'); await page.keyboard.press('Enter'); await page.getByTestId('retry-reply').waitFor(); await page.waitForTimeout(300); } },
  pick_model: { query: '&models', act: async (page) => { await open(1)(page); await page.getByTestId('model-picker').click(); await page.waitForTimeout(300); } },
  chat_settings: { query: '&models', act: async (page) => { await open(1)(page); await page.getByTestId('thread-menu').click(); await page.getByTestId('chat-settings').click(); await page.waitForTimeout(300); } },
  add_provider: { query: '&models', act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-models').click(); await page.getByTestId('add-provider').click(); await page.waitForTimeout(300); } },
  edit_message: { query: '&models', act: async (page) => { await open(1)(page); await page.getByTestId('composer').fill('Where does the borrow end?'); await page.keyboard.press('Enter'); await page.getByTestId('stop-reply').click(); await page.getByTestId('edit-message').last().click(); await page.waitForTimeout(300); } },
  reading: { act: async (page) => { await open(1)(page); await page.keyboard.press('Control+Shift+P'); await page.getByTestId('palette-input').fill('one document'); await page.getByTestId('palette-input-option').filter({ hasText: 'one document' }).first().waitFor(); await page.keyboard.press('Enter'); await page.getByTestId('reading').waitFor(); await page.waitForTimeout(300); } },
  palette: { act: async (page) => { await open(1)(page); await page.keyboard.press('Control+Shift+P'); await page.getByTestId('palette-input-option').nth(20).waitFor(); await page.waitForTimeout(300); } },
  usage: { act: async (page) => { await page.getByTestId('usage-button').click(); await page.waitForTimeout(400); } },
  billed: { query: '&sync=in_step', act: async (page) => { await page.getByTestId('usage-button').click(); if (page.viewportSize().width < 720) await page.keyboard.press('Control+b'); await page.getByTestId('billed').waitFor(); await page.getByTestId('billed').locator('summary').click(); await page.getByText('Conversation', { exact: true }).first().click(); await page.getByTestId('usage-conversation').first().waitFor(); await page.waitForTimeout(300); } },
  settings: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.waitForTimeout(400); } },
  details: { act: async (page) => { await open(1)(page); await page.getByTestId('message-details').last().click(); await page.getByTestId('details').waitFor(); await page.waitForTimeout(300); } },
  settings_appearance: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-appearance').click(); await page.waitForTimeout(400); } },
  settings_models: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-models').click(); await page.waitForTimeout(400); } },
  settings_account: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-account').click(); await page.waitForTimeout(400); } },
  settings_data: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-data').click(); await page.waitForTimeout(400); } },
  settings_shortcuts: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-shortcuts').click(); await page.waitForTimeout(400); } },
  settings_privacy: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-privacy').click(); await page.waitForTimeout(400); } },
  settings_about: { act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-about').click(); await page.waitForTimeout(400); } },
  menu: { act: async (page) => { await open(1)(page); await page.getByTestId('conversation-row').nth(5).click({ button: 'right' }); await page.waitForTimeout(300); } },
  undo: { act: async (page) => { await open(1)(page); await page.getByTestId('thread-menu').click(); await page.getByTestId('delete-conversation').click(); await page.waitForTimeout(500); } },
  trash: { act: async (page) => { await page.getByTestId('trash-view').click(); await page.waitForTimeout(400); await open(0)(page); } },
  broken: { query: '&fail', act: async () => {} },
  zh: { query: '&lang=zh-Hans', act: open(1) },
};
