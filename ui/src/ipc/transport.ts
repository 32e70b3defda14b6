/**
 * The one place that touches Tauri. Everything else sees three functions, so that development and tests can put a
 * pretended backend in their place; a production build holds no trace of that.
 */
import { invoke as tauriInvoke } from '@tauri-apps/api/core';
import { listen as tauriListen } from '@tauri-apps/api/event';

export type Unlisten = () => void;

export interface Transport {
  invoke(command: string, args: Record<string, unknown>): Promise<unknown>;
  listen(event: string, take: (payload: unknown) => void): Promise<Unlisten>;
  /** The address of an attachment's image, or of what was dropped: `dropped/<ticket>`. */
  imageUrl(id: string): string;
}

declare global {
  interface Window {
    __AIRI_FAKE__?: Transport;
  }
}

const real: Transport = {
  invoke: (command, args) => tauriInvoke(command, args),
  listen: (event, take) => tauriListen(event, ({ payload }) => take(payload)),
  // WebView2 serves own protocols under http://<scheme>.localhost; the others under the scheme itself.
  imageUrl: (id) =>
    navigator.userAgent.includes('Windows') ? `http://airi-file.localhost/${id}` : `airi-file://localhost/${id}`,
};

/** Looked for at each call: which of two modules runs first is the bundler's to say. */
const developed: Transport = {
  invoke: (command, args) => (window.__AIRI_FAKE__ ?? real).invoke(command, args),
  listen: (event, take) => (window.__AIRI_FAKE__ ?? real).listen(event, take),
  imageUrl: (id) => (window.__AIRI_FAKE__ ?? real).imageUrl(id),
};

export const transport: Transport = import.meta.env.DEV ? developed : real;
