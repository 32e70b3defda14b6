/** How long a sync will still take, from how fast its last minute went. Pure: the moments are given. */
import type { SyncProgress } from '../../ipc/generated';
import type { Messages } from '../../messages';

interface Sample {
  at: number;
  done: number;
}

/** A slow start or one large page must not count for ever. */
const WINDOW_MS = 60_000;
/** Less than this tells nothing. */
const LEAST_MS = 1_500;

export class Pace {
  #samples: Sample[] = [];
  #total = 0;

  /** Takes in how far it is at a moment (milliseconds of any steady clock). */
  feed(progress: SyncProgress | null, at: number): void {
    const last = this.#samples.at(-1);
    if (progress === null || progress.total !== this.#total || (last && progress.done < last.done)) this.#samples = [];
    if (progress === null) return;
    this.#total = progress.total;
    this.#samples.push({ at, done: progress.done });
    this.#samples = this.#samples.filter((sample) => at - sample.at <= WINDOW_MS);
  }

  /** Forgets the speed: after a pause the clock has run, the sync has not. */
  rest(): void {
    this.#samples = [];
  }

  /** Seconds until all is done; null while that cannot be told. */
  left(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < LEAST_MS || last.done <= first.done) return null;
    const perSecond = ((last.done - first.done) / (last.at - first.at)) * 1000;
    return Math.max(0, (this.#total - last.done) / perSecond);
  }
}

/** Rounded as people say it: nobody wants to watch seconds jump. */
export function leftText(seconds: number | null, text: Messages['account']['first']): string | null {
  if (seconds === null) return null;
  if (seconds < 50) return text.soon;
  if (seconds < 5_400) return text.minutes(Math.max(1, Math.round(seconds / 60)));
  return text.hours(Math.round(seconds / 3600));
}
