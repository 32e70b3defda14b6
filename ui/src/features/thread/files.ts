/** Which files are shown, saving the rest, and getting those that are not on this computer. */
import { ipc } from '../../ipc/commands';
import type { AttachmentRow } from '../../ipc/generated';
import { t } from '../../state/i18n.svelte';
import { toasts } from '../../state/toasts.svelte';

const SHOWN = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

/** Whether the bytes are on this computer. */
export function isHere(file: AttachmentRow): boolean {
  return file.state === 'here' || file.state === 'waiting';
}

/** How much of a download has come, in percent; null when that cannot be told. */
export function percentOf(file: AttachmentRow): number | null {
  if (file.received === null || !file.file_size) return null;
  return Math.min(100, Math.floor((100 * file.received) / file.file_size));
}

/** Asks for the bytes; the thread is read again when they come. */
export async function fetchBytes(file: AttachmentRow): Promise<void> {
  try {
    await ipc.fetchAttachment({ id: file.id });
  } catch (thrown) {
    toasts.fail(thrown);
  }
}

/** The backend looks at the bytes again; this only spares requests that it would refuse. */
export function isShown(file: AttachmentRow): boolean {
  return isHere(file) && file.mime_type !== null && SHOWN.has(file.mime_type);
}

export async function saveCopy(file: AttachmentRow): Promise<void> {
  try {
    const path = await ipc.saveAttachment({ id: file.id });
    if (path !== null) toasts.tell(t().thread.fileSaved(path));
  } catch (thrown) {
    toasts.fail(thrown);
  }
}
