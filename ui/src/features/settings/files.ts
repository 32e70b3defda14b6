/** How much disk files may take: people write GiB, the backend keeps MiB. Pure. */
import type { FilesReport } from '../../ipc/generated';

const MIB_IN_GIB = 1024;
const MIB = 1024 * 1024;

export const LEAST_GIB = 0.1;
/** More than any disk of a person has, and far below what the backend can count. */
export const MOST_GIB = 100_000;

/** Null: no number, or none that makes sense. */
export function boundOf(text: string): number | null {
  const gib = Number(text.trim().replace(',', '.'));
  if (text.trim() === '' || !Number.isFinite(gib) || gib < LEAST_GIB || gib > MOST_GIB) return null;
  return Math.round(gib * MIB_IN_GIB);
}

export function gibOf(mib: number): number {
  return Math.round((mib / MIB_IN_GIB) * 100) / 100;
}

export function isAbove(report: Pick<FilesReport, 'here_bytes' | 'disk_bound_mb'>): boolean {
  return report.here_bytes > report.disk_bound_mb * MIB;
}
