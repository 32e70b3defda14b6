/**
 * axe-core over every view of the window, light and dark, in a real browser with the pretended backend: `npm run test:axe
 * [-- name…]`. Any violation fails it; the last line tells the counts.
 */
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { serveFake } from './serve.mjs';
import { VIEWS } from './views.mjs';

/** States that no picture needs. */
const STATES = {
  loading: { query: '&slow', act: (page) => page.locator('[aria-busy=true]').first().waitFor() },
  'settings: files fail': { query: '&nofiles', act: async (page) => { await page.getByTestId('settings-button').click(); await page.getByTestId('settings-data').click(); await page.getByRole('alert').first().waitFor(); } },
  'list: empty trash': { query: '&empty', act: async (page) => { await page.getByTestId('trash-view').click(); await page.waitForTimeout(300); } },
  narrow: { size: { width: 480, height: 760 }, act: () => {} },
};

/** Pages at a time: as many as a small machine bears. */
const AT_ONCE = 3;
const LIMIT_MS = 20_000;

const only = process.argv.slice(2);
const served = await serveFake();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

/** One line for each thing that axe finds, with what it concerns. */
async function findings(page, theme) {
  await page.evaluate((to) => (document.documentElement.dataset.theme = to), theme);
  // Colours fade from one theme into the other, for a moment even with reduced motion.
  await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running' || one.effect.getTiming().iterations === Infinity));
  const { violations } = await page.evaluate((rules) => window.axe.run(document, rules), {
    resultTypes: ['violations'],
    // Themes differ in colours alone.
    ...(theme === 'dark' ? { runOnly: ['color-contrast'] } : {}),
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${theme}: ${id} (${help})\n    ${html.slice(0, 160)}\n    ${failureSummary.split('\n').slice(1, 3).join(' ').trim()}`),
  );
}

async function look([name, { query = '', act, size = { width: 1280, height: 800 } }]) {
  const context = await browser.newContext({ viewport: size, locale: 'en-GB', reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  const found = [];
  page.on('pageerror', (error) => found.push(`the page failed: ${error.message}`));
  try {
    await page.goto(`${served.url}/?theme=light${query}`);
    await page.locator('main').waitFor();
    await page.waitForTimeout(300);
    await act(page);
    await page.evaluate(axe.source);
    for (const theme of ['light', 'dark']) found.push(...(await findings(page, theme)));
  } catch (error) {
    found.push(`the view was not reached: ${error.message.split('\n')[0]}`);
  }
  await context.close();
  console.log(`${found.length === 0 ? '✓' : '✗'} ${name}`);
  for (const one of found) console.log(`  ${one}`);
  return found.length === 0;
}

const queue = [...Object.entries(VIEWS), ...Object.entries(STATES)].filter(([name]) => only.length === 0 || only.includes(name));
const results = [];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results.push(await look(next));
  }),
);
await browser.close();
await served.close();
const failed = results.filter((fine) => !fine).length;
console.log(`Tests  ${failed > 0 ? `${failed} failed | ` : ''}${results.length - failed} passed (${results.length})`);
process.exitCode = failed > 0 || results.length === 0 ? 1 : 0;
