import { expect, it } from 'vitest';
import { fileName, wanted } from './exporting.svelte';

it('makes a file name of any title', () => {
  expect(fileName('a/b: c?')).toBe('a b c');
  expect(fileName('../..')).toBe('conversation');
  expect(fileName('写真 1')).toBe('写真 1');
});

it('asks for a file or a folder by what is exported', () => {
  expect(wanted('json', null, true)).toEqual({ kind: 'export_file', suggested_name: 'airi-export.zip' });
  expect(wanted('json', null, false)).toEqual({ kind: 'export_file', suggested_name: 'airi-export.json' });
  expect(wanted('markdown', null, true)).toEqual({ kind: 'export_folder' });
  expect(wanted('html', 'Tea', true)).toEqual({ kind: 'export_file', suggested_name: 'Tea.html' });
});
