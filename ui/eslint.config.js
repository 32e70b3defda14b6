import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import { readdirSync } from 'node:fs';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** Who may know whom (DESIGN.md, section 2): ipc ← state ← components ← features ← app. */
function layer(files, forbidden) {
  return {
    files: files.flatMap((folder) => [`${folder}/**/*.ts`, `${folder}/**/*.svelte`]),
    rules: {
      'no-restricted-imports': ['error', { patterns: forbidden.map(([group, message]) => ({ group, message })) }],
    },
  };
}

const TAURI = [['@tauri-apps/*'], 'Only src/ipc touches Tauri.'];
const APP = [['**/app/*'], 'Nothing below app/ knows app/.'];
const ANY_FEATURE = [['**/features/**'], 'Only app/ puts features together.'];
const COMPONENTS = [['**/components/*'], 'State has no looks.'];
const UPWARD = [['**/state/*', '**/components/*', '**/messages/*'], 'ipc/ is the lowest layer.'];
const IPC_CALLS = [['**/ipc/*', '!**/ipc/generated'], 'Components get data as properties; they call nothing.'];

const features = readdirSync(new URL('./src/features', import.meta.url));

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'src/ipc/generated.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs['flat/recommended'],
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
      'no-console': 'error',
      // Sets and maps here are plain books, never shown; what is shown is $state.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
    rules: { 'no-undef': 'off' },
  },
  { files: ['**/*.mjs', 'tests/**'], rules: { 'no-console': 'off' } },
  layer(['src/ipc'], [APP, ANY_FEATURE, UPWARD]),
  layer(['src/state'], [TAURI, APP, ANY_FEATURE, COMPONENTS]),
  layer(['src/components'], [TAURI, APP, ANY_FEATURE, IPC_CALLS]),
  layer(['src/app'], [TAURI]),
  ...features.map((feature) =>
    layer(
      [`src/features/${feature}`],
      [TAURI, APP, ...features.filter((other) => other !== feature).map((other) => [
        [`**/features/${other}/*`, `../${other}/*`, `../../${other}/*`],
        'Features never import each other.',
      ])],
    ),
  ),
);
