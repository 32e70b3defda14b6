import { expect, it } from 'vitest';
import { relativeTime } from './time';

const now = new Date('2026-06-15T12:00:00Z');
const ago = (iso: string) => relativeTime(iso, now, 'en');

it('says how long ago something was, and never that it is still to come', () => {
  expect(ago('2026-06-15T11:59:30.000000Z')).toBe('now');
  expect(ago('2026-06-15T12:03:00.000000Z')).toBe('now');
  expect(ago('2026-06-15T11:57:10.000000Z')).toBe('2 minutes ago');
  expect(ago('2026-06-15T09:00:00.000000Z')).toBe('3 hours ago');
  expect(ago('2026-06-14T11:00:00.000000Z')).toBe('yesterday');
  expect(ago('2026-03-01T00:00:00.000000Z')).toBe('3 months ago');
  expect(relativeTime('2026-06-15T09:00:00.000000Z', now, 'ja')).toBe('3 時間前');
});
