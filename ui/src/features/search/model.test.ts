import { expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { SearchResponse } from '../../ipc/generated';
import { SearchModel } from './model.svelte';

const breathe = () => new Promise((resolve) => setTimeout(resolve, 0));

it('asks at the first letter, and after the answer once for all that came meanwhile', async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  vi.spyOn(ipc, 'search').mockImplementation(({ query }) => {
    asked.push(query);
    return new Promise((resolve) => answers.push(() => resolve({ groups: [], hits: [], total: asked.length } as unknown as SearchResponse)));
  });
  const model = new SearchModel();
  model.type('s');
  expect(asked).toEqual(['s']);
  for (const text of ['sh', 'she', 'shel', 'shelf']) model.type(text);
  expect(asked).toEqual(['s']);
  answers.shift()!();
  await breathe();
  expect(model.answered).toBe('s');
  expect(asked).toEqual(['s', 'shelf']);
  answers.shift()!();
  await breathe();
  expect(model.answered).toBe('shelf');
  expect(asked).toHaveLength(2);

  // What is cleared is not asked again, whatever was under way.
  model.type('shelfs');
  model.type('shelfsx');
  model.type('');
  answers.shift()!();
  await breathe();
  expect(asked).toHaveLength(3);
  expect(model.answer).toBeNull();
});

it('asks again by itself while some of the library is not searched yet', async () => {
  vi.useFakeTimers();
  let left = 7;
  const search = vi.spyOn(ipc, 'search').mockImplementation(() => Promise.resolve({ groups: [], hits: [], total: 0, unsearched: left } as unknown as SearchResponse));
  search.mockClear();
  const model = new SearchModel();
  model.type('shelf');
  await vi.advanceTimersByTimeAsync(1900);
  expect(search).toHaveBeenCalledTimes(1);
  left = 0;
  await vi.advanceTimersByTimeAsync(200);
  expect(search).toHaveBeenCalledTimes(2);
  expect(model.answer?.unsearched).toBe(0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(search).toHaveBeenCalledTimes(2);

  // Nobody is there any more who would look at it.
  left = 7;
  model.type('shelfs');
  await vi.advanceTimersByTimeAsync(100);
  model.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(search).toHaveBeenCalledTimes(3);
  vi.useRealTimers();
});
