/** Where the user is: the open conversation, the list in the sidebar, the page in the middle, the dialog on top. */
export type ListView = 'active' | 'archived' | 'trash';
export type Page = 'thread' | 'usage';
export type AccountTab = 'sync' | 'devices' | 'accounts';
export type SettingsSection = 'general' | 'appearance' | 'models' | 'account' | 'data' | 'shortcuts' | 'privacy' | 'about';
export type Overlay =
  | { kind: 'search'; query: string }
  | { kind: 'import' }
  /** `ids`: some conversations; else the one, or all. */
  | { kind: 'export'; id: string | null; title: string | null; ids?: string[] }
  /** `add`: another account beside the one in use. */
  | { kind: 'sign-in'; add: boolean }
  | { kind: 'account'; tab: AccountTab }
  | { kind: 'tags'; ids: string[]; title: string | null }
  | { kind: 'start-chat' }
  /** A conversation as one plain document. */
  | { kind: 'reading'; id: string; title: string }
  | { kind: 'palette' }
  | { kind: 'settings'; section?: SettingsSection }
  | { kind: 'help' };

/** A message to bring into view. The number tells two jumps to the same message apart. */
export interface Jump {
  messageId: string;
  nonce: number;
  /** The hit is in thinking or tool text, which is folded. */
  reveal: boolean;
}

/** What is looked for in the open thread. A new one each time it is asked for. */
export interface Finds {
  text: string;
  /** The words of a search whose hit was opened; else the field is empty and takes the keyboard. */
  words: boolean;
  near: string | null;
}

/** Below this width the sidebar lies over the thread. */
export const NARROW_PX = 720;

/** Below this width the files of a conversation lie over the thread. */
export const FILES_NARROW_PX = 960;

class Navigation {
  conversation = $state<string | null>(null);
  jump = $state.raw<Jump | null>(null);
  view = $state<ListView>('active');
  /** The list shows what has this tag, wherever it is but the trash. */
  tag = $state<string | null>(null);
  page = $state<Page>('thread');
  overlay = $state.raw<Overlay | null>(null);
  finds = $state.raw<Finds | null>(null);
  sidebar = $state(window.innerWidth >= NARROW_PX);
  /** The files of the open conversation stand beside it. */
  files = $state(false);
  /** Asks the header to let the title be edited. */
  renaming = $state(0);
  /** The conversation whose title is to be edited as soon as it is open. */
  renameOf = $state<string | null>(null);
  #nonce = 0;
  #toFiles = false;

  /** Opens a conversation; null: the page for a new one. */
  open(id: string | null, messageId: string | null = null, reveal = false): void {
    if (id !== this.conversation) this.finds = null;
    this.conversation = id;
    this.page = 'thread';
    this.#nonce += 1;
    this.jump = messageId === null ? null : { messageId, nonce: this.#nonce, reveal };
    if (window.innerWidth < NARROW_PX) this.sidebar = false;
  }

  /** Which list the sidebar shows. */
  list(view: ListView): void {
    this.view = view;
    this.tag = null;
  }

  /** Opens the files of the open conversation; the keyboard goes along. */
  showFiles(): void {
    this.#toFiles = true;
    this.files = true;
  }

  /** Whether somebody just opened the files, so that they take the keyboard. */
  takeFilesFocus(): boolean {
    const just = this.#toFiles;
    this.#toFiles = false;
    return just;
  }

  showTag(tag: string): void {
    this.view = 'active';
    this.tag = tag;
    this.sidebar = true;
  }

  /** Looks for something in the open thread. */
  find(text = '', near: string | null = null): void {
    this.finds = { text, words: text !== '', near };
  }

  openToRename(id: string): void {
    this.open(id);
    this.renameOf = id;
  }

  show(overlay: Overlay): void {
    this.overlay = overlay;
  }

  close(): void {
    this.overlay = null;
  }

  search(query = ''): void {
    this.overlay = { kind: 'search', query };
  }
}

export const nav = new Navigation();
