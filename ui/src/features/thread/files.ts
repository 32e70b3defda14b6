/** Which files are shown, and saving the rest. */
import { ipc } from '../../ipc/commands';
import type { AttachmentRow } from '../../ipc/generated';
import { t } from '../../state/i18n.svelte';
import { toasts } from '../../state/toasts.svelte';

const SHOWN = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

/** The backend looks at the bytes again; this only spares requests that it would refuse. */
export function isShown(file: AttachmentRow): boolean {
  return file.state === 'here' && file.mime_type !== null && SHOWN.has(file.mime_type);
}

export async function saveCopy(file: AttachmentRow): Promise<void> {
  try {
    const path = await ipc.saveAttachment({ id: file.id });
    if (path !== null) toasts.tell(t().thread.fileSaved(path));
  } catch (thrown) {
    toasts.fail(thrown);
  }
}
