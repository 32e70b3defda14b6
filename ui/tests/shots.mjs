/**
 * Photographs the window with the pretended backend, in Debian's chromium: `npm run shots -- <folder> [name…]`.
 * A picture is named by what it shows, its theme and its width.
 */
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { serveFake } from './serve.mjs';
import { VIEWS } from './views.mjs';

const [folder = '/tmp/airi-shots', ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const served = await serveFake();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

for (const [name, { query = '', act }] of Object.entries(VIEWS)) {
  if (only.length > 0 && !only.some((wanted) => wanted.split('@')[0] === name)) continue;
  for (const theme of ['light', 'dark']) {
    for (const [width, height] of [[1280, 800], [900, 700], [560, 800], [480, 760]]) {
      const views = only.filter((one) => one.startsWith(`${name}@`)).map((one) => one.split('@')[1]);
      if (views.length > 0 && !views.includes(`${theme}-${width}`)) continue;
      if (only.length === 0 && width !== 1280 && !['thread', 'search', 'start'].includes(name)) continue;
      const page = await browser.newPage({ viewport: { width, height }, locale: 'en-GB' });
      page.on('pageerror', (error) => console.error(`${name}: ${error.message}`));
      page.on('console', (line) => line.type() === 'error' && console.error(`${name}: ${line.text()}`));
      await page.goto(`${served.url}/?theme=${theme}${query}`);
      await page.waitForTimeout(700);
      if (width < 720 && !['start', 'empty', 'built_in', 'first', 'ended', 'stuck'].includes(name)) await page.getByTestId('sidebar-toggle').click();
      try {
        await act(page);
      } catch (error) {
        console.error(`${name} ${theme} ${width}: ${error.message.split('\n')[0]}`);
      }
      await page.screenshot({ path: `${folder}/${name}-${theme}-${width}.png` });
      await page.close();
    }
  }
}
await browser.close();
await served.close();
