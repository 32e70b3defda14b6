/**
 * Files that wait to be sent with what is being written, kept per conversation, over restarts too: their bytes in the page's own
 * database, of dropped ones the ticket.
 */
import type { UseStore } from 'idb-keyval';
import { createStore, del, delMany, get, keys, set } from 'idb-keyval';
import { smallImageUrl } from '../ipc/commands';
import type { DroppedItem, EnclosedFile } from '../ipc/generated';
import { t } from './i18n.svelte';

export interface DraftFile {
  /** Tells two of one name apart. */
  key: number;
  name: string;
  size: number;
  source: EnclosedFile;
  /** The type of the picture, when it is one, and its address. */
  picture: string | null;
  preview: string | null;
}

/** Larger ones do not travel through the page. Dropped ones do not have to. */
export const MOST_BYTES = 25_000_000;

const PICTURES = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);
/** As a file lies in the database: an address does not outlive its window. */
type Stored = Omit<DraftFile, 'key' | 'preview'>;

interface Draft {
  at: number;
  files: Stored[];
}

/** A draft that nobody looked at for so long keeps its text and loses its files. */
const KEPT_MS = 90 * 86_400_000;

/** By the draft's key. */
const kept = new Map<string, DraftFile[]>();
/** Drafts whose files of before this start were asked for, or cannot be. */
const brought = new Map<string, Promise<void>>();
let count = 0;
let opened: UseStore | undefined;

/** A full, closed or missing database loses the files of a restart, never what is on the screen. */
async function stored<T>(ask: (store: UseStore) => Promise<T>): Promise<T | undefined> {
  try {
    if (opened === undefined) {
      opened = createStore('airi.drafts', 'files');
      void stored(forgetOld);
    }
    return await ask(opened);
  } catch {
    return undefined;
  }
}

async function forgetOld(store: UseStore): Promise<void> {
  // One after the other: each holds the bytes of its files.
  for (const key of await keys<string>(store)) {
    const draft = await get<Draft>(key, store);
    if (draft !== undefined && Date.now() - draft.at > KEPT_MS) await del(key, store);
  }
}

/** Those that are known without waiting. */
export function readDraftFiles(key: string): DraftFile[] {
  return kept.get(key) ?? [];
}

/** Those of before this start, and what was added meanwhile. */
export async function bringDraftFiles(key: string): Promise<DraftFile[]> {
  let bringing = brought.get(key);
  if (bringing === undefined) brought.set(key, (bringing = bring(key)));
  await bringing;
  return readDraftFiles(key);
}

async function bring(key: string): Promise<void> {
  const draft = await stored((store) => get<Draft>(key, store));
  if (draft !== undefined) keep(key, [...draft.files.map(restored), ...readDraftFiles(key)]);
}

export function keepDraftFiles(key: string, files: DraftFile[]): void {
  if (!brought.has(key)) brought.set(key, Promise.resolve());
  keep(key, files);
}

function keep(key: string, files: DraftFile[]): void {
  kept.set(key, files);
  const draft: Draft = { at: Date.now(), files: files.map(({ name, size, source, picture }) => ({ name, size, source, picture })) };
  void stored((store) => (files.length === 0 ? del(key, store) : set(key, draft, store)));
}

/** Of conversations that are no more. */
export function forgetDraftFiles(gone: string[]): Promise<unknown> {
  gone.flatMap(readDraftFiles).forEach(letGo);
  for (const key of gone) kept.delete(key);
  return stored((store) => delMany(gone, store));
}

/** Of a profile that is no more. */
export async function forgetAllDraftFiles(profile: string): Promise<void> {
  const its = (all: Iterable<string>) => [...all].filter((key) => key.startsWith(`${profile}/`));
  await forgetDraftFiles(its(kept.keys()));
  await stored(async (store) => delMany(its(await keys<string>(store)), store));
}

function restored(file: Stored): DraftFile {
  const { source, picture } = file;
  count += 1;
  const preview = picture === null ? null : source.kind === 'dropped' ? smallImageUrl(`dropped/${source.ticket}`) : URL.createObjectURL(pictureOf(source.base64, picture));
  return { key: count, ...file, preview };
}

function pictureOf(base64: string, type: string): Blob {
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type });
}

/** A file that was chosen or pasted. Null when it is too large. */
export function enclose(file: File): Promise<DraftFile | null> {
  if (file.size > MOST_BYTES) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error ?? new Error(file.name));
    reader.onload = () => {
      const url = String(reader.result);
      const name = file.name || 'file';
      const source: EnclosedFile = { kind: 'bytes', name, base64: url.slice(url.indexOf(',') + 1) };
      count += 1;
      const picture = PICTURES.has(file.type) ? file.type : null;
      resolve({ key: count, name, size: file.size, source, picture, preview: picture === null ? null : URL.createObjectURL(file) });
    };
    reader.readAsDataURL(file);
  });
}

/** A file that was dropped; a text says why it cannot be attached. */
export function dropped(item: DroppedItem): DraftFile | string {
  const { name, size, ticket, refusal, picture } = item;
  if (ticket === null) return t().drop.refusals[refusal ?? 'unreadable'](name);
  count += 1;
  return { key: count, name, size, source: { kind: 'dropped', ticket }, picture: picture ? 'image' : null, preview: picture ? smallImageUrl(`dropped/${ticket}`) : null };
}

/** A picture's bytes are held for as long as its address is. */
export function letGo(file: DraftFile): void {
  if (file.preview?.startsWith('blob:')) URL.revokeObjectURL(file.preview);
}
