import { beforeEach, expect, it, vi } from 'vitest';
import { ipc } from '../../../ipc/commands';
import type { GalleryFile, GalleryPage, GalleryRequest } from '../../../ipc/generated';
import { GalleryModel } from './model.svelte';

let all: GalleryFile[] = [];
let asked: GalleryRequest[] = [];

const file = (at: number) => ({ id: `f${at}`, created_at: `t${at}`, mime_type: 'image/png', state: 'here' }) as GalleryFile;
const ids = (model: GalleryModel) => model.files.map(({ id }) => id);

beforeEach(() => {
  all = Array.from({ length: 1_000 }, (_, at) => file(at));
  asked = [];
  vi.spyOn(ipc, 'gallery').mockImplementation((request) => {
    asked.push(request);
    const from = request.after === undefined ? 0 : all.findIndex(({ id }) => id === request.after?.id) + 1;
    const page: GalleryPage = { files: all.slice(from, from + request.limit), total: all.length, pictures: all.length, keep: false };
    return Promise.resolve(page);
  });
});

async function opened(): Promise<GalleryModel> {
  const model = new GalleryModel('c');
  await model.show('all');
  return model;
}

it('reads a page at a time, and each once however many ask', async () => {
  const model = await opened();
  expect([model.files.length, model.count, model.complete]).toEqual([100, 1_000, false]);
  await Promise.all([model.more(), model.more()]);
  expect(asked.length).toBe(2);
  expect(asked[1]).toMatchObject({ after: { id: 'f99', created_at: 't99' }, limit: 100 });
  expect(new Set(ids(model)).size).toBe(200);
});

it('reads again only what is looked at', async () => {
  const model = await opened();
  await model.more();
  all[150] = { ...all[150]!, state: 'remote' };
  await model.refresh(140, 160);
  expect(asked.at(-1)).toMatchObject({ after: { id: 'f139' }, limit: 20 });
  expect(model.files[150]?.state).toBe('remote');
  expect(model.files.length).toBe(200);
});

it('reads what changed out of sight once it is looked at', async () => {
  const model = await opened();
  await model.more();
  all[150] = { ...all[150]!, state: 'remote' };
  await model.refresh(0, 20);
  expect(model.files[150]?.state).toBe('here');
  const before = asked.length;
  await model.look(0, 20);
  expect(asked.length, 'what is fresh is not asked for').toBe(before);
  await model.look(145, 165);
  expect(model.files[150]?.state).toBe('remote');
  await model.look(145, 165);
  expect(asked.length).toBe(before + 1);
});

it('reads all of it again when files came or went', async () => {
  const model = await opened();
  await model.more();
  all = [file(-1), ...all.filter(({ id }) => id !== 'f3' && id !== 'f4')];
  await model.refresh(10, 30);
  await vi.waitFor(() => expect(ids(model).slice(0, 5)).toEqual(['f-1', 'f0', 'f1', 'f2', 'f5']));
  expect(model.count).toBe(999);
});

it('shows what could be read and goes on when it can be again', async () => {
  const model = await opened();
  vi.mocked(ipc.gallery).mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'io', retryable: true }));
  await model.more();
  expect([model.files.length, model.failure?.code]).toEqual([100, 'io']);
  await model.more();
  expect(model.files.length, 'it is not asked for again and again').toBe(100);
  await model.refresh(0, 10);
  await model.more();
  expect(model.files.length).toBe(200);
  vi.mocked(ipc.gallery).mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'io', retryable: true }));
  await model.more();
  expect(model.failure?.code).toBe('io');
  await model.retry(0, 10);
  expect([model.files.length, model.failure]).toEqual([300, null]);
});

it('does not take for fresh what was asked for before a change', async () => {
  const model = await opened();
  let give = () => {};
  const before = all.slice(100, 200);
  vi.mocked(ipc.gallery).mockImplementationOnce(() => new Promise((resolve) => (give = () => resolve({ files: before, total: 1_000, pictures: 1_000, keep: false }))));
  const reading = model.more();
  await Promise.resolve();
  all[150] = { ...all[150]!, state: 'remote' };
  const refreshing = model.refresh(0, 10);
  give();
  await Promise.all([reading, refreshing]);
  expect(model.files[150]?.state).toBe('here');
  await model.look(145, 155);
  expect(model.files[150]?.state).toBe('remote');
});
