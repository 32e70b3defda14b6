// @vitest-environment node
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'airi-bundle-'));
let texts: { name: string; text: string }[] = [];

beforeAll(() => {
  const root = join(import.meta.dirname, '..');
  // In a process of its own, as `npm run build` does it: a build inside the tests would be one for tests.
  execFileSync(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error', '--emptyOutDir', '--outDir', folder], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production', AIRI_FAKE: '1' },
  });
  texts = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|css|html)$/.test(entry.name))
    .map((entry) => ({ name: entry.name, text: readFileSync(join(entry.parentPath, entry.name), 'utf8') }));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

it('holds no trace of the pretended backend', () => {
  expect(texts.length).toBeGreaterThan(2);
  for (const { name, text } of texts) expect(text.includes('__AIRI_FAKE__'), name).toBe(false);
});

it('asks nothing of the content security policy that it does not grant', () => {
  for (const { name, text } of texts.filter((file) => file.name.endsWith('.css'))) {
    expect(/url\(\s*['"]?(data:|https?:)/.test(text), name).toBe(false);
  }
  const html = texts.find(({ name }) => name === 'index.html')!.text;
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\son\w+=/);
});
