/** Where a file's bytes are, as the gallery tells it, in one word for the look and in words for people. */
import type { GalleryFile } from '../../../ipc/generated';
import { t } from '../../../state/i18n.svelte';
import { percentOf } from '../files';

/** `coming`: to be kept, and not here yet; `leaving`: let go, and not gone yet. */
export type Standing = 'here' | 'kept' | 'leaving' | 'waiting' | 'remote' | 'coming' | 'downloading' | 'missing' | 'failed';

export function standingOf(file: GalleryFile): Standing {
  switch (file.state) {
    case 'here':
      if (file.keep === null) return 'here';
      return file.keep ? 'kept' : 'leaving';
    case 'remote':
      if (file.problem !== null) return 'failed';
      return file.keep ? 'coming' : 'remote';
    case 'waiting':
      return file.problem === null ? 'waiting' : 'failed';
    default:
      return file.state;
  }
}

export function standingText(file: GalleryFile): string {
  const standing = standingOf(file);
  return standing === 'downloading' ? t().thread.fileDownloading(percentOf(file)) : t().gallery.standing[standing];
}

/** What can be done about a file's bytes. */
export interface Means {
  download: boolean;
  save: boolean;
  keep: boolean;
  letGo: boolean;
}

/** `account`: without one, every file is here alone and nothing is to be decided. */
export function meansOf(file: GalleryFile, account: boolean): Means {
  const here = file.state === 'here' || file.state === 'waiting';
  return {
    download: file.state === 'remote',
    save: here,
    keep: account && file.state !== 'missing' && file.keep !== true,
    letGo: account && file.state === 'here' && file.keep !== false,
  };
}
