/**
 * The page with the pretended backend, built once into a temporary folder and served from there: a suite that opens many
 * pages has no use for a development server that sends each of hundreds of modules to each of them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';

export async function serveFake() {
  const outDir = await mkdtemp(join(tmpdir(), 'airi-page-'));
  const fake = {
    name: 'airi-fake-backend-of-tests',
    transformIndexHtml: { order: 'pre', handler: (html) => html.replace('<head>', '<head><script type="module" src="/tests/fake-ipc.ts"></script>') },
  };
  // The transport takes a pretended backend in development alone.
  process.env.NODE_ENV = 'development';
  await build({ mode: 'development', logLevel: 'error', plugins: [fake], build: { outDir, emptyOutDir: true, minify: false } });
  const server = await preview({ logLevel: 'error', build: { outDir }, preview: { port: 0, strictPort: false } });
  return {
    url: server.resolvedUrls.local[0].replace(/\/$/, ''),
    close: async () => {
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}
