/** Files that wait to be sent with what is being written, kept per conversation until the window is closed. */
import { imageUrl } from '../../ipc/commands';
import type { DroppedItem, EnclosedFile } from '../../ipc/generated';
import { t } from '../../state/i18n.svelte';

export interface DraftFile {
  /** Tells two of one name apart. */
  key: number;
  name: string;
  size: number;
  source: EnclosedFile;
  /** The address of the picture, when it is one. */
  preview: string | null;
}

/** Larger ones do not travel through the page. Dropped ones do not have to. */
export const MOST_BYTES = 25_000_000;

const PICTURES = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);
const kept = new Map<string | null, DraftFile[]>();
let count = 0;

export function readDraftFiles(conversation: string | null): DraftFile[] {
  return kept.get(conversation) ?? [];
}

export function keepDraftFiles(conversation: string | null, files: DraftFile[]): void {
  if (files.length === 0) kept.delete(conversation);
  else kept.set(conversation, files);
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
      resolve({ key: count, name, size: file.size, source, preview: PICTURES.has(file.type) ? URL.createObjectURL(file) : null });
    };
    reader.readAsDataURL(file);
  });
}

/** A file that was dropped; a text says why it cannot be attached. */
export function dropped(item: DroppedItem): DraftFile | string {
  const { name, size, ticket, refusal, picture } = item;
  if (ticket === null) return t().drop.refusals[refusal ?? 'unreadable'](name);
  count += 1;
  return { key: count, name, size, source: { kind: 'dropped', ticket }, preview: picture ? imageUrl(`dropped/${ticket}`) : null };
}

/** A picture's bytes are held for as long as its address is. */
export function letGo(file: DraftFile): void {
  if (file.preview?.startsWith('blob:')) URL.revokeObjectURL(file.preview);
}
