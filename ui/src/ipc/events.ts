/** What the backend tells by itself: the contract's events, and files dropped on the window. */
import type { Asked, Changed, Drag, ReplyPiece, SignInWaiting, StatusChanged, TaskEvent } from './generated';
import type { Unlisten } from './transport';
import { transport } from './transport';

export type { Unlisten };

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

/** The operating system's drag: a dropped folder of six gigabytes is never read by the page. */
export function onDrag(take: (event: Drag) => void): Promise<Unlisten> {
  return transport.listen('drag', (payload) => take(payload as Drag));
}
