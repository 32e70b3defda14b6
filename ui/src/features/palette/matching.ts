/** Finding by name. Pure. */
import { folded } from '../../state/fold';

/** Those that hold every word; those that begin with what was typed first. Pure. */
export function matching<T>(all: readonly T[], nameOf: (one: T) => string, typed: string): T[] {
  const wanted = folded(typed).trim();
  const words = wanted.split(/\s+/u).filter(Boolean);
  const fitting = all.filter((one) => words.every((word) => folded(nameOf(one)).includes(word)));
  const rank = (one: T) => (folded(nameOf(one)).startsWith(wanted) ? 0 : 1);
  return fitting.sort((a, b) => rank(a) - rank(b));
}
