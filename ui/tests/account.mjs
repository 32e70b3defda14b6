/**
 * Sign-in, sync, refused changes, devices and accounts, in a real browser with the pretended backend: `npm run test:page`.
 * What is asked of the backend is looked at too, and each flow is walked with the keyboard where a person would.
 */
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';

process.env.AIRI_FAKE = '1';
const server = await createServer({ server: { port: 5197 }, logLevel: 'error' });
await server.listen();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const errors = [];

async function open(query = '', size = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ viewport: size, locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (line) => line.type() === 'error' && !line.text().includes('404') && errors.push(line.text()));
  await page.goto(`http://localhost:5197/?theme=light${query}`);
  await page.getByTestId('sync-state').first().waitFor();
  return page;
}

const focused = (page) => page.evaluate(() => document.activeElement?.closest('[data-testid]')?.getAttribute('data-testid'));
const calls = (page, command) => page.evaluate((name) => window.airiCalls.filter((call) => call.command === name).map((call) => call.request), command);
const says = (page, id, text) => page.getByTestId(id).filter({ hasText: text }).first().waitFor();
const gone = (page, id) => page.getByTestId(id).waitFor({ state: 'detached' });
const type = (page, text) => page.keyboard.type(text);

const FLOWS = {
  async 'signing in with chosen conversations, by keyboard alone'() {
    const page = await open('&still');
    await page.getByTestId('sign-in-button').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('sign-in-url').waitFor();
    assert.equal(await focused(page), 'sign-in-url');
    await type(page, 'airi.example.org');
    await page.keyboard.press('Tab');
    await type(page, 'sb_publishable_x');
    await page.keyboard.press('Enter');
    await page.getByTestId('take-all').waitFor();
    assert.deepEqual(await calls(page, 'check_server'), [{ url: 'https://airi.example.org', key: 'sb_publishable_x' }]);
    assert.equal(await focused(page), 'take-all');

    await page.keyboard.press('ArrowDown');
    await page.getByTestId('picker-option').first().waitFor();
    assert.ok(await page.getByTestId('sign-in-submit').isDisabled(), 'nothing is chosen yet');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'picker-search');
    await type(page, 'PÁRSER');
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=picker-option]').length < 30);
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(page), 'picker-list');
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await says(page, 'picker-count', '2 of');
    const active = await page.getByTestId('picker-list').getAttribute('aria-activedescendant');
    assert.equal(await page.locator(`[id="${active}"]`).getAttribute('aria-selected'), 'true');

    for (let press = 0; press < 6 && (await focused(page)) !== 'sign-in-submit'; press += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByTestId('sign-in-email').waitFor();
    assert.equal(await focused(page), 'sign-in-email');
    await type(page, 'mira@example.org');
    await page.keyboard.press('Tab');
    await type(page, 'wrong');
    await page.keyboard.press('Enter');
    await says(page, 'sign-in-failure', 'E-mail or password are wrong');
    await page.getByTestId('sign-in-password').fill('right');
    await page.keyboard.press('Enter');
    await gone(page, 'sign-in-submit');
    const asked = (await calls(page, 'sign_in')).at(-1);
    assert.deepEqual(asked.by, { password: { email: 'mira@example.org', password: 'right' } });
    assert.equal(asked.take.chosen.length, 2);
    assert.equal(asked.new_address, false);
    await says(page, 'sync-state', 'Syncing');
    await page.getByTestId('first-sync').waitFor();
  },

  async 'the picker draws few of many and chooses all, found or none'() {
    const page = await open('&count=20000');
    await toTake(page);
    await page.getByTestId('take-chosen').check();
    await page.waitForFunction(() => !document.querySelector('[data-testid=picker-all]').disabled);
    assert.ok((await page.getByTestId('picker-option').count()) < 30);
    await page.getByTestId('picker-all').click();
    // Those in the trash do not come into question.
    const all = await page.getByTestId('picker-count').innerText();
    assert.match(all, /^19,3\d\d of 19,3\d\d chosen$/);
    await page.getByTestId('picker-search').fill('kyoto');
    await page.getByTestId('picker-none').click();
    assert.match(await page.getByTestId('picker-count').innerText(), /^18,\d{3} of/);
    await page.getByTestId('picker-search').fill('');
    await page.getByTestId('picker-list').focus();
    await page.keyboard.press('End');
    await page.waitForFunction(() => {
      const list = document.querySelector('[data-testid=picker-list]');
      const active = document.getElementById(list.getAttribute('aria-activedescendant'));
      return active && active.getAttribute('aria-posinset') === active.getAttribute('aria-setsize') && active.getBoundingClientRect().bottom <= list.getBoundingClientRect().bottom + 1;
    });
    await page.getByTestId('picker-none').click();
    assert.ok(await page.getByTestId('sign-in-submit').isDisabled());
  },

  async 'a server that lacks something says what, and only offers what it has'() {
    const page = await open();
    await page.getByTestId('sign-in-button').click();
    await page.getByTestId('sign-in-url').fill('https://down.example.org');
    await page.getByTestId('sign-in-key').fill('k');
    await page.getByTestId('sign-in-submit').click();
    await says(page, 'check', 'Server answers');
    assert.equal(await page.getByTestId('check').first().getAttribute('data-state'), 'missing');
    // Nothing answers there: there is no way on.
    await page.getByTestId('sign-in-submit').click();
    assert.equal(await page.getByTestId('take-all').count(), 0);

    await page.getByTestId('sign-in-url').fill('https://old.example.org');
    await gone(page, 'checks');
    await page.getByTestId('check-server').click();
    await says(page, 'check', 'Its operator turns on');
    await says(page, 'sign-in-submit', 'Continue anyway');

    await page.getByTestId('sign-in-url').fill('https://plain.example.org');
    await page.getByTestId('sign-in-submit').click();
    await page.getByTestId('take-none').check();
    await page.getByTestId('sign-in-submit').click();
    await page.getByTestId('sign-in-email').waitFor();
    assert.equal(await page.getByTestId('sign-in-google').count(), 0);
    await page.getByTestId('sign-in-back').click();
    assert.ok(await page.getByTestId('take-none').isChecked(), 'what was chosen stays');
  },

  async 'a code by e-mail, sent again only after a minute'() {
    const page = await open();
    await page.clock.install();
    await toWho(page);
    await page.getByText('E-mail code').click();
    await page.getByTestId('sign-in-email').fill('nobody@example.org');
    await page.getByTestId('sign-in-submit').click();
    await page.clock.runFor(100);
    await says(page, 'sign-in-failure', 'The server refused');
    await page.getByTestId('sign-in-email').fill('mira@example.org');
    await page.getByTestId('sign-in-submit').click();
    await page.clock.runFor(100);
    await says(page, 'code-sent', 'mira@example.org');
    assert.equal(await focused(page), 'sign-in-code');
    assert.ok(await page.getByTestId('sign-in-resend').isDisabled());
    await page.clock.runFor(61_000);
    await page.getByTestId('sign-in-resend').click();
    await page.clock.runFor(100);
    assert.equal((await calls(page, 'send_code')).length, 3);
    assert.ok(await page.getByTestId('sign-in-resend').isDisabled());
    await page.getByTestId('sign-in-code').fill('000000');
    await page.keyboard.press('Enter');
    await page.clock.runFor(100);
    await says(page, 'sign-in-failure', 'The code is wrong or too old');
    await page.getByTestId('sign-in-code').fill('123456');
    await page.keyboard.press('Enter');
    await page.clock.runFor(100);
    await gone(page, 'sign-in-code');
    assert.deepEqual((await calls(page, 'sign_in')).at(-1).by, { code: { email: 'mira@example.org', code: '123456' } });
  },

  async 'the browser is waited for, cancelled without a word, and its errors are told'() {
    const page = await open('&nobrowser&still');
    await toWho(page);
    await page.getByTestId('sign-in-google').click();
    await says(page, 'browser-url', 'provider=google');
    await page.getByTestId('browser-cancel').click();
    await page.getByTestId('sign-in-email').waitFor();
    assert.equal(await page.getByTestId('sign-in-failure').count(), 0);

    await page.getByTestId('sign-in-discord').click();
    await page.getByTestId('browser-url').waitFor();
    await page.evaluate(() => window.airiFake.browserDone({ code: 'timed_out', message: 'Nobody finished signing in within five minutes.', retryable: true }));
    await says(page, 'sign-in-failure', 'in time');

    // Closing the dialog ends the waiting too.
    await page.getByTestId('sign-in-google').click();
    await page.getByTestId('browser-url').waitFor();
    await page.keyboard.press('Escape');
    await gone(page, 'browser-wait');
    await page.waitForFunction(() => window.airiCalls.filter((call) => call.command === 'cancel_sign_in').length === 2);

    await toWho(page);
    await page.getByTestId('sign-in-google').click();
    await page.getByTestId('browser-url').waitFor();
    await page.evaluate(() => window.airiFake.browserDone());
    await says(page, 'sync-state', 'Syncing');
  },

  async 'a first sync shows how far it is, and can be paused'() {
    const page = await open('&first');
    await page.waitForFunction(() => /left/.test(document.querySelector('[data-testid=first-sync]').innerText), null, { timeout: 10_000 });
    await says(page, 'first-sync', 'You can already read and search');
    await page.getByTestId('first-pause').click();
    await says(page, 'sync-state', 'Paused');
    assert.deepEqual(await calls(page, 'pause_sync'), [{ paused: true }]);
    await says(page, 'first-sync', 'goes on where it stopped');
    await page.getByTestId('sync-state').click();
    await page.getByTestId('resume').click();
    await says(page, 'sync-word', 'Syncing');
    await page.getByTestId('pause').waitFor();
    await page.keyboard.press('Escape');
    await page.evaluate(() => window.airiFake.tell({ progress: null, sync: 'in_step', last_sync: new Date().toISOString() }));
    await gone(page, 'first-sync');
    await says(page, 'sync-state', 'In sync');
  },

  async 'a full disk and maintenance speak in their own words'() {
    const page = await open('&stuck');
    await says(page, 'stuck-banner', '412 MB are free');
    await page.getByTestId('sync-state').click();
    await says(page, 'sync-detail', '3.1 GB more');
    await page.evaluate(() => window.airiFake.tell({ sync: 'maintenance', message: 'Back at 14:00 UTC.' }));
    await says(page, 'sync-word', 'maintenance');
    await says(page, 'sync-detail', 'Back at 14:00 UTC.');
  },

  async 'refused changes are told, exported, retried and discarded'() {
    const page = await open('&sync=needs_attention');
    await says(page, 'sync-state', '3 changes need attention');
    await page.getByTestId('sync-state').click();
    await says(page, 'refused-change', 'Change of “Rust lifetimes in the parser”');
    await says(page, 'refused-change', 'Changed: title and tags');
    await says(page, 'refused-change', '4 later changes of this conversation wait behind it');

    await page.getByTestId('refused-retry').nth(2).click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=refused-change]').length === 2);
    await says(page, 'sync-word', '2 changes need attention');

    await page.getByTestId('refused-discard').nth(1).click();
    await says(page, 'discard-loss', 'only on this computer');
    await page.getByTestId('discard-export').click();
    await page.waitForFunction(() => window.airiCalls.some((call) => call.command === 'export_change'));
    await page.getByTestId('discard-cancel').click();
    assert.equal(await page.getByTestId('refused-change').count(), 2, 'nothing is discarded by a look');
    await page.getByTestId('refused-discard').nth(1).click();
    await page.getByTestId('discard-go').click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=refused-change]').length === 1);
    assert.deepEqual((await calls(page, 'resolve_outbox')).map(({ action }) => action), ['retry', 'discard']);

    await page.getByTestId('refused-edit').click();
    const field = page.getByRole('textbox', { name: 'Title' });
    await field.waitFor();
    assert.ok(await field.evaluate((input) => input === document.activeElement), 'the title is ready to be typed over');
    await type(page, 'Shorter');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => window.airiCalls.some((call) => call.command === 'edit_conversation' && call.request.title === 'Shorter'));
  },

  async 'waiting changes, comparison, server check and log in the panel, by keyboard'() {
    const page = await open('&sync=offline&parked');
    await page.getByTestId('sync-state').focus();
    await page.keyboard.press('Enter');
    await says(page, 'parked', '3 rows set aside');
    await page.getByTestId('waiting').locator('summary').press('Enter');
    await says(page, 'waiting-change', 'Changed: star');
    await page.getByTestId('compare').press('Enter');
    await says(page, 'audit-result', 'Compared now: all 48,122 rows agree');
    await page.getByTestId('panel-check').press('Enter');
    await says(page, 'checks', 'all that is needed');
    await page.getByTestId('save-log').press('Enter');
    await says(page, 'panel-notice', '/home/mira/airi-log.txt');
    assert.deepEqual(await calls(page, 'save_log'), [{ path: '/home/mira/airi-log.txt' }]);
    await page.keyboard.press('Escape');
    await gone(page, 'account-panel');
    assert.equal(await focused(page), 'sync-state');
  },

  async 'devices are listed and signed out; without a connection that is said'() {
    const page = await open('&sync=in_step');
    await page.getByTestId('sync-state').click();
    await page.getByTestId('tab-sync').focus();
    await page.keyboard.press('ArrowRight');
    await says(page, 'device', 'This computer');
    assert.equal(await focused(page), 'tab-devices');
    assert.equal(await page.getByTestId('device-sign-out').count(), 1, 'neither this one nor one that is out already');
    await page.getByRole('button', { name: 'Sign out Mira’s MacBook' }).click();
    await page.getByTestId('confirm').click();
    await says(page, 'devices-notice', 'is signed out');
    assert.deepEqual(await calls(page, 'sign_out_device'), [{ id: 'd2' }]);
    assert.equal(await page.getByTestId('device-sign-out').count(), 0);

    const away = await open('&sync=offline');
    await away.getByTestId('sync-state').click();
    await away.getByTestId('tab-devices').click();
    await says(away, 'devices-failure', 'needs a connection');
    await away.evaluate(() => window.airiFake.tell({ sync: 'in_step' }));
    await away.getByTestId('devices-retry').click();
    await says(away, 'device', 'mira-desktop');
    await away.context().close();
  },

  async 'old messages are deleted by themselves only after that was asked and said'() {
    const page = await open('&sync=in_step');
    await page.getByTestId('sync-state').click();
    const turn = () => page.getByRole('switch', { name: /Delete old messages/ });
    const on = () => turn().isChecked();
    assert.equal(await on(), false);
    await turn().press('Space');
    await page.getByTestId('confirm').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('confirm').waitFor({ state: 'detached' });
    assert.equal(await on(), false, 'what was not confirmed does not look as if it were');
    assert.deepEqual(await calls(page, 'set_retention'), []);
    await turn().press('Space');
    await page.getByTestId('confirm').click();
    await page.getByText('older than 90 days, on all').waitFor();
    await page.getByText('365 days', { exact: true }).click();
    await page.getByText('older than 365 days').waitFor();
    await turn().press('Space');
    await page.getByText('Nothing is ever deleted that you did not delete').waitFor();
    assert.deepEqual((await calls(page, 'set_retention')).map((asked) => asked.delete_messages_after_days), [90, 365, null]);
    const away = await open('&sync=offline');
    await away.getByTestId('sync-state').click();
    await away.getByTestId('retention-failure').waitFor();
    assert.equal(await away.getByRole('switch', { name: /Delete old messages/ }).count(), 0);
    const local = await open('');
    await local.getByTestId('sync-state').click();
    assert.equal(await local.getByTestId('retention').count(), 0, 'without an account there is nothing to say');
  },

  async 'accounts are switched and added'() {
    const page = await open('&sync=in_step&profiles');
    await page.getByTestId('sync-state').click();
    await page.getByTestId('tab-accounts').click();
    await says(page, 'profile', '2 not sent yet');
    await page.getByRole('button', { name: 'Switch to team@example.org' }).click();
    await says(page, 'accounts-notice', 'team@example.org');
    await says(page, 'sync-state', 'team@example.org');
    await page.getByTestId('add-account').click();
    await page.getByTestId('sign-in-url').fill('https://airi.example.org/');
    // The key of a server that was used before is known.
    assert.equal(await page.getByTestId('sign-in-key').getAttribute('placeholder'), 'Remembered from last time');
    await page.getByTestId('sign-in-submit').click();
    await page.getByTestId('sign-in-email').waitFor();
    assert.equal(await page.getByTestId('sign-in-email').inputValue(), '');
  },

  async 'an ended session asks to sign in again, prefilled; a sign-out of one’s own does not'() {
    const page = await open('&sync=signed_out&still');
    await page.getByTestId('ended-sign-in').click();
    await page.getByTestId('sign-in-password').waitFor();
    assert.equal(await page.getByTestId('sign-in-email').inputValue(), 'mira@example.org');
    assert.equal(await focused(page), 'sign-in-password');
    await type(page, 'right');
    await page.keyboard.press('Enter');
    await gone(page, 'ended-banner');
    const asked = (await calls(page, 'sign_in')).at(-1);
    assert.deepEqual([asked.url, asked.take, asked.new_address], ['https://airi.example.org', 'none', false]);

    await page.evaluate(() => window.airiFake.tell({ sync: 'in_step', progress: null }));
    await page.getByTestId('sync-state').click();
    await page.getByTestId('sign-out').click();
    // Three changes wait: they stay.
    await page.getByTestId('confirm').click();
    await says(page, 'sync-word', 'Signed out');
    assert.equal(await page.getByTestId('ended-banner').count(), 0);
  },

  async 'an account that has moved is told apart from another one'() {
    const page = await open('&sync=signed_out&still');
    await page.getByTestId('ended-sign-in').click();
    await page.getByTestId('change-server').click();
    assert.equal(await page.getByRole('switch').count(), 0);
    await page.getByTestId('sign-in-url').fill('https://new.example.org');
    await page.getByTestId('sign-in-key').fill('k2');
    await page.getByRole('switch', { name: /moved to this address/ }).check({ force: true });
    await page.getByTestId('sign-in-submit').click();
    await page.getByTestId('sign-in-password').fill('right');
    await page.keyboard.press('Enter');
    await gone(page, 'sign-in-password');
    const asked = (await calls(page, 'sign_in')).at(-1);
    assert.deepEqual([asked.url, asked.key, asked.new_address], ['https://new.example.org', 'k2', true]);
  },

  async 'a narrow window keeps the state in view and everything inside its width'() {
    const page = await open('&sync=needs_attention', { width: 480, height: 700 });
    assert.equal(await page.getByTestId('sync-state').getAttribute('aria-label'), 'Account and sync: 3 changes need attention');
    await page.getByTestId('sync-state').click();
    await page.getByTestId('refused-change').first().waitFor();
    const wide = () => page.evaluate(() => [...document.querySelectorAll('dialog, dialog button, dialog .body')].filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1 || (one.classList.contains('body') && one.scrollWidth > one.clientWidth)).map((one) => one.outerHTML.slice(0, 80)));
    assert.deepEqual(await wide(), []);
    for (const tab of ['devices', 'accounts']) {
      await page.getByTestId(`tab-${tab}`).click();
      await page.getByTestId(tab === 'devices' ? 'device' : 'profile').first().waitFor();
      assert.deepEqual(await wide(), []);
    }
  },

  async 'every button, field and tab has a name, in every language'() {
    for (const lang of ['en', 'zh-Hans', 'ja']) {
      const page = await open(`&sync=needs_attention&profiles&lang=${lang}`);
      const unnamed = () => page.evaluate(() => [...document.querySelectorAll('dialog button, dialog input, dialog [role=tab], dialog [role=listbox]')].filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.closest('label')?.textContent.trim())).map((one) => one.outerHTML));
      await page.getByTestId('sync-state').click();
      await page.getByTestId('refused-change').first().waitFor();
      assert.deepEqual(await unnamed(), []);
      await page.getByTestId('tab-accounts').click();
      await page.getByTestId('add-account').click();
      await page.getByTestId('sign-in-url').waitFor();
      assert.deepEqual(await unnamed(), []);
      await page.context().close();
    }
  },
};

async function toTake(page) {
  await page.getByTestId('sign-in-button').click();
  await page.getByTestId('sign-in-url').fill('https://airi.example.org');
  await page.getByTestId('sign-in-key').fill('sb_publishable_x');
  await page.getByTestId('sign-in-submit').click();
  await page.clock.runFor(100).catch(() => {});
  await page.getByTestId('take-all').waitFor();
}

async function toWho(page) {
  await toTake(page);
  await page.getByTestId('sign-in-submit').click();
  await page.getByTestId('sign-in-email').waitFor();
}

const only = process.argv[2];
let failed = 0;
try {
  for (const [name, walk] of Object.entries(FLOWS)) {
    if (only && !name.includes(only)) continue;
    try {
      await walk();
      assert.deepEqual(errors.splice(0), []);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.error(`FAILED  ${name}\n${error.stack ?? error}`);
      const pages = browser.contexts().flatMap((context) => context.pages());
      if (process.env.SHOTS) await pages.at(-1)?.screenshot({ path: `${process.env.SHOTS}/failed-${failed}.png` });
    }
    for (const context of browser.contexts()) await context.close();
  }
} finally {
  await browser.close();
  await server.close();
}
if (failed > 0) process.exit(1);
console.log('Sign-in, sync, devices and accounts hold.');
