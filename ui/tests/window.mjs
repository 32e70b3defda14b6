/**
 * The thread's window over 100,000 messages, in a real browser with the pretended backend: `npm run test:page`.
 * Bounded elements, a true scrollbar, a reading place that stays, and hits that open at their message.
 */
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';

process.env.AIRI_FAKE = '1';
const server = await createServer({ server: { port: 5198 }, logLevel: 'error' });
await server.listen();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const errors = [];

async function page(query = '') {
  const made = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  made.on('pageerror', (error) => errors.push(error.message));
  await made.goto(`http://localhost:5198/?theme=light${query}`);
  await made.getByTestId('conversation-row').first().waitFor();
  return made;
}

/** Waits until nothing moves any more. */
async function settled(of) {
  await of.evaluate(async () => {
    let last = '';
    for (let calm = 0; calm < 6; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const thread = document.querySelector('[data-testid=thread]');
      const now = [thread.scrollTop, thread.scrollHeight, thread.querySelectorAll('article').length].join();
      calm = now === last ? calm + 1 : 0;
      last = now;
    }
  });
}

/** The first message on the screen and where it stands. */
function place(of) {
  return of.evaluate(() => {
    const thread = document.querySelector('[data-testid=thread]');
    const top = thread.getBoundingClientRect().top;
    const article = [...thread.querySelectorAll('article')].find((one) => one.getBoundingClientRect().bottom > top + 1);
    return article && { id: article.dataset.id, at: article.getBoundingClientRect().top - top, count: thread.querySelectorAll('article').length, scroll: thread.scrollTop / thread.scrollHeight };
  });
}

const scroll = (of, share) => of.getByTestId('thread').evaluate((thread, to) => (thread.scrollTop = thread.scrollHeight * to), share);
const index = (spot) => Number(spot.id.split('-m-')[1]);

try {
  const long = await page();
  await long.getByTestId('conversation-row').nth(1).getByRole('button').first().click();
  await long.getByTestId('message').first().waitFor();
  await settled(long);
  const end = await long.getByTestId('thread').evaluate((thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight);
  assert.ok(end < 3, `opens at the end, not ${end} px above`);

  for (const share of [0.5, 0.25, 0.9, 0]) {
    await scroll(long, share);
    await settled(long);
    const spot = await place(long);
    assert.ok(spot.count <= 200, `${spot.count} messages are drawn`);
    assert.ok(Math.abs(index(spot) / 100_000 - share) < 0.02, `the scrollbar at ${share} shows message ${index(spot)}`);
  }

  await scroll(long, 0.5);
  await settled(long);
  await long.mouse.move(800, 400);
  let before = index(await place(long));
  for (let turn = 0; turn < 40; turn += 1) {
    await long.mouse.wheel(0, -300);
    await long.waitForTimeout(40);
    const now = index(await place(long));
    assert.ok(now <= before && before - now < 8, `scrolling up went from ${before} to ${now}`);
    before = now;
  }

  await settled(long);
  const still = await place(long);
  await long.setViewportSize({ width: 1000, height: 800 });
  await settled(long);
  const narrow = await place(long);
  assert.equal(narrow.id, still.id, 'a narrower window keeps the reading place');

  await long.keyboard.press('Control+k');
  await long.getByTestId('search-input').fill('parser');
  await long.getByTestId('search-hit').nth(3).waitFor();
  const wanted = await long.getByTestId('search-hit').nth(3).getAttribute('data-message');
  await long.getByTestId('search-hit').nth(3).click();
  const hit = long.locator(`article[data-id="${wanted}"]`);
  await hit.waitFor();
  await settled(long);
  const box = await hit.boundingBox();
  assert.ok(box.y > 40 && box.y < 500, `the hit stands at ${box.y} px`);
  assert.ok(await hit.evaluate((article) => article.classList.contains('flash')), 'the hit is lit up');

  const many = await page('&count=100000');
  const rows = await many.getByTestId('conversation-row').count();
  assert.ok(rows < 60, `${rows} rows are drawn of 100,000 conversations`);
  assert.deepEqual(errors, []);
  console.log('The window over long threads and lists holds.');
} finally {
  await browser.close();
  await server.close();
}
