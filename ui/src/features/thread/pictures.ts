/** The pictures of a thread, for whoever opens one large: `Thread` says how, `Files` asks for it. */
import { getContext, setContext } from 'svelte';
import type { AttachmentRow, MessageView } from '../../ipc/generated';
import { isShown } from './files';

export type OpenPicture = (file: AttachmentRow) => void;

const KEY = Symbol('open picture');

export function providePictures(open: OpenPicture): void {
  setContext(KEY, open);
}

export function usePictures(): OpenPicture {
  return getContext<OpenPicture>(KEY);
}

/** In the order of the thread. */
export function picturesOf(messages: readonly MessageView[]): AttachmentRow[] {
  return messages.flatMap((message) => message.files.filter(isShown));
}

/** Steps of zoom: each a quarter more, within what one can still make out. */
const STEP = 1.25;
const LEAST = 0.05;
const MOST = 16;

export function zoomed(scale: number, by: 1 | -1): number {
  return Math.min(MOST, Math.max(LEAST, by > 0 ? scale * STEP : scale / STEP));
}
