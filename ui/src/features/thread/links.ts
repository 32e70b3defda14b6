/** Links: Rust judges, the user sees the true address and confirms, Rust opens. The page itself goes nowhere. */
import { ipc } from '../../ipc/commands';
import { ask } from '../../state/ask.svelte';
import { t } from '../../state/i18n.svelte';
import { toasts } from '../../state/toasts.svelte';

/** For clicks anywhere in a thread. */
export function onLinkClick(event: MouseEvent): void {
  const link = (event.target as Element).closest?.('a[href]');
  if (!link) return;
  event.preventDefault();
  if (event.type === 'click') void openLink(link.getAttribute('href') ?? '');
}

async function openLink(url: string): Promise<void> {
  const text = t().thread;
  try {
    const verdict = await ipc.checkLink({ url });
    if (!verdict.allowed) {
      toasts.tell(`${text.linkRefused}: ${verdict.reason ?? verdict.shown}`);
      return;
    }
    const yes = await ask.put({
      title: text.linkTitle,
      text: text.linkText,
      detail: verdict.shown,
      yes: text.linkOpen,
      danger: false,
    });
    if (yes) await ipc.openLink({ url });
  } catch (thrown) {
    toasts.fail(thrown);
  }
}
