/**
 * What the first list does without: each part is read when it is first shown, or a moment after the start, whichever comes
 * first. So the start reads and runs a third less, and nothing is waited for later. What one types into at once (search,
 * palette, tags) is there from the start: what is typed while a part is read would be lost.
 */
export const parts = {
  thread: () => import('../features/thread/Thread.svelte'),
  gallery: () => import('../features/thread/gallery/Gallery.svelte'),
  settings: () => import('../features/settings/Settings.svelte'),
  account: () => import('../features/account/Panel.svelte'),
  signIn: () => import('../features/account/sign-in/SignIn.svelte'),
  import: () => import('../features/tasks/Import.svelte'),
  export: () => import('../features/tasks/Export.svelte'),
  startChatting: () => import('../features/settings/StartChatting.svelte'),
  reading: () => import('../features/thread/Reading.svelte'),
  help: () => import('../features/help/Help.svelte'),
  usage: () => import('../features/usage/Usage.svelte'),
};

/** Long after the first frame, and soon enough for the quickest hand. */
const REST_MS = 250;

export function readAhead(): void {
  setTimeout(() => {
    for (const read of Object.values(parts)) void read();
  }, REST_MS);
}
