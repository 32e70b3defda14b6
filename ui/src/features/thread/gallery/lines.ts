/** From files to the lines of the gallery: pictures side by side, every other file on a line of its own. Pure. */
import type { GalleryFile } from '../../../ipc/generated';

/** Of a picture's tile, beside its square. */
export const WORDS_PX = 66;
export const FILE_PX = 76;
export const GAP_PX = 8;
/** A tile is no narrower. */
const LEAST_PX = 140;

/** `first` counts the files before the line. */
export interface Line {
  index: number;
  first: number;
  files: readonly GalleryFile[];
  pictures: boolean;
}

const PICTURES = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

/** As the backend tells pictures from other files, wherever their bytes are. */
export function isPicture(file: GalleryFile): boolean {
  return file.mime_type !== null && PICTURES.has(file.mime_type);
}

export function columnsOf(width: number): number {
  return Math.max(1, Math.floor((width + GAP_PX) / (LEAST_PX + GAP_PX)));
}

/** The side of a picture's square. */
export function sideOf(width: number): number {
  const columns = columnsOf(width);
  return Math.max(0, Math.floor((width - GAP_PX * (columns - 1)) / columns));
}

export function linesOf(files: readonly GalleryFile[], columns: number): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < files.length; ) {
    const first = at;
    const pictures = isPicture(files[at]!);
    do at += 1;
    while (pictures && at < files.length && at - first < columns && isPicture(files[at]!));
    lines.push({ index: lines.length, first, files: files.slice(first, at), pictures });
  }
  return lines;
}

export function heightOf(line: Line, side: number): number {
  return (line.pictures ? side + WORDS_PX : FILE_PX) + GAP_PX;
}

/** The place that an arrow key goes to. */
export function placeAfter(lines: readonly Line[], at: number, key: string): number {
  const all = (lines.at(-1)?.first ?? 0) + (lines.at(-1)?.files.length ?? 0);
  if (key === 'Home') return 0;
  if (key === 'End') return all - 1;
  if (key === 'ArrowRight' || key === 'ArrowLeft') return Math.max(0, Math.min(all - 1, at + (key === 'ArrowRight' ? 1 : -1)));
  const here = lines.findIndex((line) => at < line.first + line.files.length);
  const next = lines[here + (key === 'ArrowDown' ? 1 : -1)];
  if (here < 0 || next === undefined) return at;
  return next.first + Math.min(at - lines[here]!.first, next.files.length - 1);
}
