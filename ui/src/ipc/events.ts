/** What the backend tells by itself: the contract's events, and files dropped on the window. */
import type { Asked, Changed, ReplyPiece, SignInWaiting, StatusChanged, TaskEvent } from './generated';
import type { DropEvent, Unlisten } from './transport';
import { transport } from './transport';

export type { DropEvent, Unlisten };

export function onChanged(take: (event: Changed) => void): Promise<Unlisten> {
  return transport.listen('changed', (payload) => take(payload as Changed));
}

export function onStatus(take: (event: StatusChanged) => void): Promise<Unlisten> {
  return transport.listen('status', (payload) => take(payload as StatusChanged));
}

export function onTask(take: (event: TaskEvent) => void): Promise<Unlisten> {
  return transport.listen('task', (payload) => take(payload as TaskEvent));
}

export function onReply(take: (event: ReplyPiece) => void): Promise<Unlisten> {
  return transport.listen('reply', (payload) => take(payload as ReplyPiece));
}

export function onSignIn(take: (event: SignInWaiting) => void): Promise<Unlisten> {
  return transport.listen('sign_in', (payload) => take(payload as SignInWaiting));
}

/** What was chosen outside the page: in a menu bar, or a notification that was clicked. */
export function onAsked(take: (event: Asked) => void): Promise<Unlisten> {
  return transport.listen('asked', (payload) => take(payload as Asked));
}

/** The paths come from the operating system, so a dropped folder of six gigabytes is never read by the page. */
export async function onDrop(take: (event: DropEvent) => void): Promise<Unlisten> {
  const stops = await Promise.all([
    transport.listen('tauri://drag-enter', () => take({ kind: 'over' })),
    transport.listen('tauri://drag-leave', () => take({ kind: 'leave' })),
    transport.listen('tauri://drag-drop', (payload) => {
      const { paths } = payload as { paths?: string[] };
      take({ kind: 'drop', paths: paths ?? [] });
    }),
  ]);
  return () => stops.forEach((stop) => stop());
}
