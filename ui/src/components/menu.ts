/** What a menu offers. `null` draws a line. */
import type { Component } from 'svelte';

export interface MenuItem {
  label: string;
  icon?: Component<{ size?: number | string }>;
  keys?: string;
  danger?: boolean;
  testid?: string;
  run: () => void;
}

export type MenuEntry = MenuItem | null;

/** Where a menu opens: under a button, or at the pointer. */
export interface MenuPlace {
  x: number;
  y: number;
}

export function below(element: Element): MenuPlace {
  const { left, bottom } = element.getBoundingClientRect();
  return { x: left, y: bottom + 4 };
}

/** Keeps a box of this size inside the window. */
export function fit(place: MenuPlace, box: { width: number; height: number }, view: { width: number; height: number }) {
  const gap = 8;
  return {
    x: Math.max(gap, Math.min(place.x, view.width - box.width - gap)),
    y: Math.max(gap, Math.min(place.y, view.height - box.height - gap)),
  };
}
