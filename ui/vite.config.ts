import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * Puts the pretended backend in front of the page, in the development server alone (`npm run dev:fake`). A build never
 * sees it: the plugin applies to `serve`, and tests/bundle.test.ts looks for its name in what is built.
 */
function fakeBackend(): Plugin {
  return {
    name: 'airi-fake-backend',
    apply: 'serve',
    transformIndexHtml: () =>
      process.env.AIRI_FAKE === '1'
        ? [{ tag: 'script', attrs: { type: 'module', src: '/tests/fake-ipc.ts' }, injectTo: 'head-prepend' }]
        : [],
  };
}

export default defineConfig({
  plugins: [svelte(), svelteTesting(), fakeBackend()],
  server: { port: 5188, strictPort: true },
  build: {
    target: ['es2022', 'safari16'],
    // The content security policy has no data: source, so even small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['tests/setup.ts'],
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    restoreMocks: true,
  },
});
