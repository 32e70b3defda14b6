/**
 * Finding one's way in a large library, in a real browser with the pretended backend: `npm run test:library [-- name…]`.
 * Each flow is walked with the keyboard where a person would.
 */
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { serveFake } from './serve.mjs';

const served = await serveFake();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const errors = [];

async function open(query = '', size = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ viewport: size, locale: 'en-GB', reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (line) => line.type() === 'error' && !/404|504/.test(line.text()) && errors.push(line.text()));
  await page.goto(`${served.url}/?theme=light${query}`);
  await page.getByTestId('conversation-row').first().waitFor();
  return page;
}

const calls = (page, command) => page.evaluate((name) => window.airiCalls.filter((call) => call.command === name).map((call) => call.request), command);
const says = (page, id, text) => page.getByTestId(id).filter({ hasText: text }).first().waitFor();
/** Until none of them is there. */
const gone = (page, id) => page.getByTestId(id).first().waitFor({ state: 'detached' });
const focusedRow = (page) => page.evaluate(() => document.activeElement?.closest('[data-id]')?.dataset.id ?? null);
const chosen = (page) => page.evaluate(() => [...document.querySelectorAll('[role=row][aria-selected=true]')].map((row) => row.dataset.id));
const rowIds = (page) => page.evaluate(() => [...document.querySelectorAll('[data-testid=conversation-row]')].map((row) => row.dataset.id));

const FLOWS = {
  async 'a tag is given, shown and taken away by keyboard'() {
    const page = await open();
    await page.getByTestId('conversation-row').nth(4).getByRole('button').first().focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('thread-tags').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('tag-input').waitFor();
    await page.keyboard.type('new one');
    await says(page, 'tag-input-option', 'New tag “new one”');
    await page.keyboard.press('Enter');
    await says(page, 'tags-here', 'new one');
    await page.keyboard.press('Escape');
    await gone(page, 'tag-input');
    await says(page, 'thread-tag', 'new one');
    await page.getByTestId('tags-fold').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('tag').filter({ hasText: 'new one' }).click();
    assert.equal(await page.getByTestId('list-name').innerText(), 'new one');
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=conversation-row]').length === 1);
    await page.keyboard.press('Control+z');
    await page.getByText('No conversation has this tag any more.').waitFor();
    await page.getByTestId('list-back').click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=conversation-row]').length > 5);
  },

  async 'without tags nothing of them stands in the sidebar'() {
    const page = await open('&notags');
    assert.equal(await page.getByTestId('tags').count(), 0);
  },

  async 'rows are chosen by keyboard, deleted in one act and brought back in one'() {
    const page = await open();
    const ids = await rowIds(page);
    await page.getByTestId('conversation-row').nth(1).getByRole('button').first().focus();
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    assert.deepEqual(await chosen(page), ids.slice(1, 4));
    await says(page, 'selection-said', '3 selected');
    await page.keyboard.press('Shift+ArrowUp');
    assert.deepEqual(await chosen(page), ids.slice(1, 3));
    await page.keyboard.press('Delete');
    await says(page, 'toast', '2 conversations are in the trash');
    assert.deepEqual((await calls(page, 'delete_items')).at(-1), { ids: ids.slice(1, 3) });
    await page.waitForFunction((id) => !document.querySelector(`[data-id="${id}"]`), ids[1]);
    assert.equal(await focusedRow(page), ids[3], 'the row after takes over');
    await gone(page, 'selected');
    await page.keyboard.press('Control+z');
    await page.waitForFunction((id) => document.querySelector(`[data-id="${id}"]`), ids[2]);
    assert.deepEqual((await calls(page, 'undelete_items')).at(-1), { ids: ids.slice(1, 3) });
  },

  async 'clicks with Ctrl and Shift choose, Escape lets go, and archiving is taken back where it changed something'() {
    const page = await open();
    const ids = await rowIds(page);
    const row = (place) => page.getByTestId('conversation-row').nth(place).getByRole('button').first();
    await row(5).click({ modifiers: ['Control'] });
    await row(7).click({ modifiers: ['Shift'] });
    assert.deepEqual(await chosen(page), ids.slice(5, 8));
    await row(6).click({ modifiers: ['Control'] });
    assert.deepEqual(await chosen(page), [ids[5], ids[7]]);
    assert.equal(await page.evaluate(() => document.querySelectorAll('[aria-current=page]').length), 0, 'choosing opens nothing');
    await page.keyboard.press('Escape');
    assert.deepEqual(await chosen(page), []);
    await says(page, 'selection-said', 'Selection cleared');
    await row(5).click({ modifiers: ['Control'] });
    await row(7).click({ modifiers: ['Control'] });
    await page.getByTestId('selected-archive').click();
    await says(page, 'toast', '2 conversations archived');
    await page.keyboard.press('Control+z');
    await page.waitForFunction((id) => document.querySelector(`[data-id="${id}"]`), ids[7]);
    const edits = await calls(page, 'edit_conversations');
    assert.deepEqual(edits.map(({ is_archived }) => is_archived), [true, false]);
    assert.deepEqual(edits[1].ids, [ids[5], ids[7]]);
  },

  async 'Ctrl+A chooses what was not read yet, too, and all of it is exported or tagged'() {
    const page = await open('&count=1500');
    await page.getByTestId('conversation-row').first().getByRole('button').first().focus();
    await page.keyboard.press('Control+a');
    await page.waitForFunction(() => /1,3\d\d selected/.test(document.querySelector('[data-testid=selection-said]').textContent));
    const said = Number((await page.getByTestId('selection-said').innerText()).replace(/\D/g, ''));
    assert.ok(said > 1300, `${said} and not only the first page`);
    await page.getByTestId('selected-tags').click();
    await page.keyboard.type('everything');
    await page.keyboard.press('Enter');
    await says(page, 'tags-here', 'everything');
    assert.equal((await calls(page, 'edit_conversations')).at(-1).ids.length, said);
    await page.keyboard.press('Escape');
    await page.getByTestId('selected-export').click();
    await page.getByTestId('export-go').click();
    await page.getByTestId('export-report').waitFor();
    assert.equal((await calls(page, 'start_export')).at(-1).ids.length, said);
  },

  async 'Tab comes to one row only, and the arrows reach its buttons'() {
    const page = await open();
    assert.equal(await page.locator('[data-testid=conversation-row] .main[tabindex="0"]').count(), 1);
    await page.getByTestId('conversation-row').nth(2).getByRole('button').first().focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), 'star-button');
    await page.keyboard.press('ArrowDown');
    const ids = await rowIds(page);
    assert.equal(await focusedRow(page), ids[3]);
    await page.keyboard.press('End');
    await page.waitForFunction(() => {
      const row = document.activeElement?.closest('[data-id]');
      return row && row.getBoundingClientRect().bottom <= document.querySelector('[role=grid]').getBoundingClientRect().bottom;
    });
  },
};

Object.assign(FLOWS, {
  async 'a filter is completed by name and value with the keyboard, shown as a chip and taken away'() {
    const page = await open();
    await page.keyboard.press('Control+k');
    await page.getByTestId('search-input').waitFor();
    await page.keyboard.type('parser ro');
    await says(page, 'filter-name', 'role:');
    await page.keyboard.press('Tab');
    await says(page, 'filter-offer', 'assistant');
    await page.keyboard.type('us');
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=filter-offer]').length === 1);
    await page.keyboard.press('Enter');
    await says(page, 'filter-chip', 'role:user');
    assert.equal(await page.getByTestId('search-input').inputValue(), 'parser ');
    await page.keyboard.type('tag:to');
    await says(page, 'filter-offer', 'to read');
    await page.keyboard.press('Enter');
    await page.getByTestId('search-hit').first().waitFor();
    await page.waitForFunction(() => window.airiCalls.findLast((call) => call.command === 'search')?.request.query?.trim() === 'role:user tag:"to read" parser');
    await page.keyboard.press('Home');
    await page.keyboard.press('Backspace');
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=filter-chip]').length === 1);
    await page.getByTestId('filter-chip').click();
    await gone(page, 'filter-chips');
    await page.waitForFunction(() => window.airiCalls.findLast((call) => call.command === 'search')?.request.query?.trim() === 'parser');
  },

  async 'a conversation is a filter by its title'() {
    const page = await open();
    await page.keyboard.press('Control+k');
    await page.getByTestId('search-input').fill('in:"weekend in ky');
    await says(page, 'filter-offer', 'Weekend in Kyoto');
    await page.keyboard.press('Enter');
    await says(page, 'filter-chip', 'Weekend in Kyoto');
    await page.waitForFunction(() => /^in:0{8}-/.test(window.airiCalls.findLast((call) => call.command === 'search')?.request.query ?? ''));
  },

  async 'a search that led somewhere is offered again, a saved one stays, and both are kept on the device'() {
    const page = await open();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('parser');
    await page.getByTestId('search-hit').first().waitFor();
    await page.keyboard.press('Enter');
    await gone(page, 'search-input');
    await page.keyboard.press('Control+k');
    await says(page, 'recent-search', 'parser');
    await page.getByTestId('recent-search').click();
    await page.getByTestId('search-hit').first().waitFor();
    await page.getByTestId('save-search').click();
    await page.reload();
    await page.getByTestId('conversation-row').first().waitFor();
    await page.keyboard.press('Control+k');
    await says(page, 'saved-search', 'parser');
    assert.equal(await page.getByTestId('recent-search').count(), 0, 'what is saved is not offered twice');
  },

  async 'a search that finds nothing offers ways out'() {
    const page = await open();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('is:starred zzz nothing');
    await page.getByText('Nothing found').waitFor();
    await page.getByTestId('drop-filter').click();
    await gone(page, 'filter-chips');
    await page.getByRole('button', { name: 'Only “nothing”' }).click();
    await page.getByTestId('search-hit').first().waitFor();
    assert.equal(await page.getByTestId('search-input').inputValue(), 'nothing');
  },
});

const place = (page) =>
  page.evaluate(() => {
    const thread = document.querySelector('[data-testid=thread]');
    const top = thread.getBoundingClientRect().top;
    const article = [...thread.querySelectorAll('article')].find((one) => one.getBoundingClientRect().bottom > top + 1);
    return article ? { id: article.dataset.id, at: Math.round(article.getBoundingClientRect().top - top) } : { id: Math.random(), at: 0 };
  });

async function calm(page) {
  let last = '';
  for (let same = 0; same < 4; ) {
    await page.waitForTimeout(60);
    const now = JSON.stringify(await place(page));
    same = now === last ? same + 1 : 0;
    last = now;
  }
}

Object.assign(FLOWS, {
  async 'finding in a thread of 100,000 goes over all of it, and Escape comes back to the reading place'() {
    const page = await open();
    await page.getByTestId('conversation-row').nth(1).getByRole('button').first().click();
    await page.getByTestId('message').first().waitFor();
    await page.getByTestId('thread').evaluate((thread) => (thread.scrollTop = thread.scrollHeight * 0.4));
    await page.waitForTimeout(300);
    await calm(page);
    const before = await place(page);
    await page.keyboard.press('Control+f');
    await page.getByTestId('find-input').waitFor();
    await page.keyboard.type('line numbers');
    await page.waitForFunction(() => /^5,0\d\d of 12,500$/.test(document.querySelector('[data-testid=find-count]').textContent.trim()));
    await calm(page);
    const inView = (word) => page.evaluate((text) => {
      const found = [...(CSS.highlights.get('airi-found-now') ?? [])];
      const frame = document.querySelector('[data-testid=thread]').getBoundingClientRect();
      return found.some((range) => range.toString().toLowerCase() === text && range.getBoundingClientRect().top > frame.top && range.getBoundingClientRect().bottom < frame.bottom);
    }, word);
    assert.ok(await inView('line numbers'), 'the place is on the screen and lit up');
    await page.keyboard.press('Shift+Enter');
    await page.waitForFunction(() => document.querySelector('[data-testid=find-count]').textContent.trim().startsWith('5,000 of'));
    await page.waitForTimeout(300);
    await calm(page);
    assert.ok(await inView('line numbers'), 'the one before, too');
    await page.keyboard.press('Escape');
    await gone(page, 'find-bar');
    await calm(page);
    assert.deepEqual(await place(page), before);
    assert.equal(await page.evaluate(() => CSS.highlights.size), 0);
  },

  async 'what is not there is said so'() {
    const page = await open();
    await page.getByTestId('conversation-row').nth(0).getByRole('button').first().click();
    await page.getByTestId('message').first().waitFor();
    await page.keyboard.press('Control+f');
    await page.keyboard.type('nowhere at all');
    await says(page, 'find-count', 'Not found');
    assert.ok(await page.getByTestId('find-next').isDisabled());
  },

  async 'the other hits of a search are one key away in the opened thread'() {
    const page = await open();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('borrow is:starred ');
    await page.getByTestId('search-hit').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('find-bar').waitFor();
    assert.equal(await page.getByTestId('find-input').inputValue(), 'borrow');
    assert.equal((await calls(page, 'find_in_thread')).at(-1).words, true);
    await page.waitForFunction(() => / of /.test(document.querySelector('[data-testid=find-count]').textContent));
    const first = await page.getByTestId('find-count').innerText();
    await page.keyboard.press('F3');
    await page.waitForFunction((told) => document.querySelector('[data-testid=find-count]').innerText !== told, first);
  },
});

Object.assign(FLOWS, {
  async 'the palette does what it is told by name, and opens a recent conversation'() {
    const page = await open();
    await page.keyboard.press('Control+Shift+P');
    await page.getByTestId('palette-input').waitFor();
    await page.keyboard.type('dark');
    await page.keyboard.press('Enter');
    await gone(page, 'palette');
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    await page.keyboard.press('Control+Shift+P');
    await page.getByTestId('palette-input').waitFor();
    await page.keyboard.type('kyoto toddler');
    await says(page, 'palette-input-option', 'Weekend in Kyoto with a toddler');
    await page.keyboard.press('Enter');
    await says(page, 'thread-title', 'Weekend in Kyoto with a toddler');
    await page.keyboard.press('Control+Shift+P');
    await says(page, 'palette-input-option', 'Find in this conversation');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByTestId('title-input').waitFor();
  },
});

Object.assign(FLOWS, {
  async 'usage tells costs, leaves unknown ones unknown, takes a range and saves its table'() {
    const page = await open();
    await page.getByTestId('usage-button').click();
    await says(page, 'usage-sum', '≥ $');
    await page.getByText('Model', { exact: true }).first().click();
    await page.waitForFunction(() => [...document.querySelectorAll('[data-testid=usage-cost]')].some((cell) => cell.textContent.trim() === 'Not known'));
    await page.getByText('Dates', { exact: true }).click();
    await page.getByTestId('usage-from').fill('2026-01-01');
    await page.getByTestId('usage-to').fill('2026-01-31');
    await page.getByTestId('usage-to').blur();
    await page.waitForFunction(() => window.airiCalls.filter(({ command }) => command === 'usage').at(-1).request.until === '2026-02-01');
    await page.getByTestId('usage-csv').click();
    await says(page, 'toast', 'airi-usage.csv');
    assert.deepEqual(await calls(page, 'export_usage'), [{ by: 'model', since: '2026-01-01', until: '2026-02-01' }]);
  },
});

Object.assign(FLOWS, {
  async 'the files of a conversation are walked, kept, let go and shown by keyboard, and never drawn all at once'() {
    const page = await open('&sync=in_step');
    await page.getByTestId('conversation-row').nth(1).getByRole('button').first().click();
    await page.getByTestId('message').first().waitFor();
    await page.keyboard.press('Control+Shift+P');
    await page.getByTestId('palette-input').fill('files of this');
    // What can be done with a conversation is offered once that is read.
    await says(page, 'palette-input-option', 'Files of this');
    await page.keyboard.press('Enter');
    await says(page, 'gallery-count', '10,000 files');
    assert.ok((await page.getByTestId('gallery-item').count()) < 30, 'ten thousand files are not drawn');
    assert.ok((await page.locator('[data-testid=gallery] img').count()) < 20);
    // From the filters to the first file, along and down.
    await page.getByTestId('gallery-open').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    const focused = () => page.evaluate(() => document.activeElement?.closest('[data-testid=gallery-item]')?.innerText ?? '');
    assert.match(await focused(), /measurements-2025\.csv/);
    const inMenu = (id) => page.waitForFunction((wanted) => document.activeElement?.dataset.testid === wanted, id);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await inMenu('gallery-save');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await says(page, 'toast', 'is kept on this computer');
    await page.waitForFunction(() => document.activeElement?.closest('[data-testid=gallery-item]')?.dataset.standing === 'kept');
    await page.keyboard.press('Enter');
    await inMenu('gallery-save');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.closest('[data-testid=gallery-item]')?.dataset.standing === 'leaving');
    const kept = await calls(page, 'keep_files');
    assert.deepEqual(kept.map(({ keep }) => keep), [true, false]);
    assert.equal(kept[0].id, kept[1].id);
    // The end is reached, and the keyboard stays where it is.
    await page.keyboard.press('Home');
    for (let turn = 0; turn < 60; turn += 1) await page.keyboard.press('ArrowDown');
    const deep = await focused();
    assert.ok(deep !== '' && !/sketch\.png\n/.test(deep), deep);
    assert.ok((await page.getByTestId('gallery-item').count()) < 40);
    await page.waitForFunction(() => window.airiCalls.filter(({ command }) => command === 'gallery').length > 2);
    await page.keyboard.press('Escape');
    await gone(page, 'gallery');
  },

  async 'a picture of the gallery opens large, a file is saved, and each is shown in the conversation'() {
    const page = await open('&sync=in_step');
    await page.getByTestId('conversation-row').nth(4).getByRole('button').first().click();
    await page.getByTestId('message').first().waitFor();
    await page.getByTestId('gallery-button').click();
    await says(page, 'gallery-count', '24 files');
    await page.getByTestId('gallery-open').first().click();
    await page.getByTestId('picture').waitFor();
    await says(page, 'picture-place', '1 of ');
    await page.keyboard.press('Escape');
    await gone(page, 'picture');
    await page.getByTestId('gallery').waitFor();
    await page.getByText('Other files').click();
    await page.waitForFunction(() => [...document.querySelectorAll('[data-testid=gallery-item]')].every((item) => !/png|webp|jpg/.test(item.innerText)));
    assert.equal((await calls(page, 'gallery')).at(-1).only, 'files');
    await page.getByTestId('gallery-open').first().click();
    await says(page, 'toast', 'Saved to');
    // One that the server has in another form says so, and can be asked for again.
    await page.locator('[data-standing=failed]').first().getByText('What the server has is not this file.').waitFor();
    await page.getByTestId('gallery-more').first().click();
    await page.getByTestId('gallery-show').click();
    await page.locator('article.flash').waitFor();
    await page.getByRole('switch', { name: /Keep this conversation/ }).press('Space');
    await page.waitForFunction(() => [...document.querySelectorAll('[data-testid=gallery-item]')].some((item) => item.dataset.standing === 'coming'));
    // A file that comes is there without being asked for.
    await page.evaluate(() => {
      window.airiGallery.added = 1;
      window.airiChanged([document.querySelector('[aria-current=page]').closest('[data-id]').dataset.id]);
    });
    await page.getByText('All', { exact: true }).click();
    await says(page, 'gallery-count', '25 files');
  },
});

const item = (name, part = {}) => ({ name, path: `/home/mira/${name}`, size: 48_000, ticket: `ticket-${name}`, refusal: null, picture: /png$/.test(name), ...part });

Object.assign(FLOWS, {
  async 'files dropped on a conversation wait with what is written, and elsewhere an import is offered'() {
    const page = await open('&models');
    const drag = (event) => page.evaluate((given) => window.airiDrag(given), event);
    const over = (id) => page.waitForFunction((wanted) => document.querySelector('.drop.on')?.dataset.testid === wanted, id);
    await page.getByTestId('conversation-row').nth(4).getByRole('button').first().click();
    await page.getByTestId('message').first().waitFor();
    const [thread, list] = [{ x: 800, y: 400 }, { x: 100, y: 400 }];
    await drag({ kind: 'over', ...list });
    await over('drop-import');
    await says(page, 'drop-draft', 'attach to your message');
    await drag({ kind: 'over', ...thread });
    await over('drop-draft');
    await drag({ kind: 'left' });
    await gone(page, 'drop-draft');
    await drag({ kind: 'over', ...thread });
    const items = [item('sketch.png'), item('table.csv'), item('Trip', { ticket: null, refusal: 'folder' }), item('film.mkv', { ticket: null, refusal: 'too_large' })];
    await drag({ kind: 'dropped', ...thread, items, archives: false });
    await gone(page, 'drop-draft');
    await says(page, 'draft-left', 'Trip is a folder');
    await says(page, 'draft-left', 'film.mkv is larger than 200 MiB');
    assert.deepEqual((await page.getByTestId('draft-file').allInnerTexts()).map((text) => text.split('\n')[0]), ['sketch.png', 'table.csv']);
    assert.equal(await page.getByTestId('draft-file').locator('img').count(), 1);
    assert.equal(await page.evaluate(() => document.activeElement?.dataset.testid), 'composer');
    // They wait with the conversation, and one can be taken away.
    await page.getByTestId('conversation-row').nth(5).getByRole('button').first().click();
    await gone(page, 'draft-file');
    await page.getByTestId('conversation-row').nth(4).getByRole('button').first().click();
    await says(page, 'draft-file', 'sketch.png');
    await page.getByRole('button', { name: 'Remove table.csv' }).press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=draft-file]').length === 1);
    await page.getByTestId('composer').fill('What is this?');
    await page.keyboard.press('Enter');
    await gone(page, 'draft-file');
    assert.deepEqual((await calls(page, 'send_message')).at(-1).files, [{ kind: 'dropped', ticket: 'ticket-sketch.png' }]);
    assert.deepEqual(await calls(page, 'start_import'), [], 'nothing was imported');
    // An export is imported wherever it is dropped; anything is, over the list.
    await drag({ kind: 'over', ...thread });
    await drag({ kind: 'archives' });
    await over('drop-import');
    await drag({ kind: 'dropped', ...thread, items: [item('chatgpt.zip')], archives: true });
    await page.getByTestId('import-report').waitFor();
    await page.keyboard.press('Escape');
    await gone(page, 'import-report');
    await drag({ kind: 'dropped', ...list, items: [item('claude.zip')], archives: false });
    await page.getByTestId('import-report').waitFor();
    assert.deepEqual((await calls(page, 'start_import')).map(({ paths }) => paths), [['/home/mira/chatgpt.zip'], ['/home/mira/claude.zip']]);
  },

  async 'a note takes files along, dropped on the page for a new conversation'() {
    const page = await open();
    await page.evaluate((items) => window.airiDrag({ kind: 'dropped', x: 800, y: 300, items, archives: false }), [item('a.png'), item('b.csv')]);
    await says(page, 'draft-file', 'b.csv');
    await page.getByTestId('composer').press('Enter');
    await gone(page, 'draft-file');
    const [made] = await calls(page, 'create_conversation');
    assert.equal(made.title_from, 'a.png');
    const attached = await calls(page, 'attach_file');
    assert.deepEqual(attached.map(({ source }) => source.ticket), ['ticket-a.png', 'ticket-b.csv']);
    assert.deepEqual(await calls(page, 'add_message'), [], 'a note of files alone has no empty message');
    assert.equal(attached[1].message_id !== undefined, true, 'they are one message');
  },
});

const only = process.argv.slice(2);
let failed = 0;
let passed = 0;
for (const [name, flow] of Object.entries(FLOWS)) {
  if (only.length > 0 && !only.some((part) => name.includes(part))) continue;
  errors.length = 0;
  try {
    await flow();
    assert.deepEqual(errors, []);
    passed += 1;
    console.log(`✓ ${name}`);
  } catch (error) {
    failed += 1;
    console.error(`✗ ${name}: ${error.stack}`);
  }
  await Promise.all(browser.contexts().map((context) => context.close()));
}
await browser.close();
await served.close();
console.log(`Tests  ${failed > 0 ? `${failed} failed | ` : ''}${passed} passed (${passed + failed})`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
