import { expect, it } from 'vitest';
import { en } from './en';
import { ja } from './ja';
import { pickLanguage } from './index';
import { zhHans } from './zh-Hans';

function keys(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null ? keys(inner, `${path}${key}.`) : [`${path}${key}`],
  );
}

it('says everything in every language', () => {
  expect(keys(zhHans)).toEqual(keys(en));
  expect(keys(ja)).toEqual(keys(en));
});

it('follows the choice, then the system, then English', () => {
  expect(pickLanguage('ja', ['en'])).toBe('ja');
  expect(pickLanguage(null, ['fr-FR', 'zh-CN'])).toBe('zh-Hans');
  expect(pickLanguage(null, ['zh-TW', 'ja-JP'])).toBe('ja');
  expect(pickLanguage(null, ['fr'])).toBe('en');
});
