/** The files of the pretended backend's conversations: 24 in most, 10,000 where there are 100,000 messages. */
import type * as c from '../src/ipc/generated';
import { NOW, iso, message } from './fake-data';

const KINDS: [string, string, c.FileState][] = [
  ['sketch.png', 'image/png', 'here'],
  ['kitchen-from-the-window.jpg', 'image/jpeg', 'remote'],
  ['measurements-2025.csv', 'text/csv', 'here'],
  ['map.webp', 'image/webp', 'here'],
  ['whiteboard.jpg', 'image/jpeg', 'downloading'],
  ['contract-signed.pdf', 'application/pdf', 'remote'],
  ['panorama.png', 'image/png', 'waiting'],
  ['voice-note.m4a', 'audio/mp4', 'missing'],
  ['receipt.png', 'image/png', 'here'],
];

export class FakeGallery {
  #kept = new Map<string, boolean>();
  #whole = new Set<string>();
  /** Files that came since. */
  added = 0;

  constructor(
    readonly broken: boolean,
    readonly fail: (code: c.ErrorCode, text: string) => never,
  ) {}

  page(of: c.ConversationRow, request: c.GalleryRequest): c.GalleryPage {
    if (this.broken) return this.fail('io', 'The folder of the files cannot be read. Check its permissions.');
    const all = Array.from({ length: (of.message_count > 1000 ? 10_000 : of.message_count === 0 ? 0 : 24) + this.added }, (_, index) => this.#file(of, index - this.added));
    const pictures = all.filter((file) => file.mime_type?.startsWith('image/'));
    const wanted = request.only === 'all' ? all : all.filter((file) => (request.only === 'pictures') === pictures.includes(file));
    const from = request.after === undefined ? 0 : wanted.findIndex((file) => file.id === request.after?.id) + 1;
    return { files: wanted.slice(from, from + request.limit), total: all.length, pictures: pictures.length, keep: this.#whole.has(of.id) };
  }

  keepAll(id: string, keep: boolean): void {
    if (keep) this.#whole.add(id);
    else this.#whole.delete(id);
  }

  /** Answers the conversation's id. */
  keepOne(id: string, keep: boolean): string {
    this.#kept.set(id, keep);
    return id.split('-g-')[0] ?? '';
  }

  #file(of: c.ConversationRow, index: number): c.GalleryFile {
    const id = `${of.id}-g-${index}`;
    const kind = ((index % KINDS.length) + KINDS.length) % KINDS.length;
    const [name, mime, state] = KINDS[kind]!;
    const place = Math.max(0, of.message_count - 2 - (index % Math.min(of.message_count, 12)));
    const failed = kind === 5 && index > 8;
    return {
      id,
      message_id: message(of, place).id,
      file_name: index < KINDS.length ? name : name.replace('.', `-${index}.`),
      file_type: null,
      file_size: kind === 7 ? null : 48_213 * (kind + 1) * 7,
      mime_type: mime,
      width: null,
      height: null,
      duration_seconds: null,
      sha256: null,
      metadata: {},
      created_at: iso(NOW - index * 7_300_000),
      state,
      received: state === 'downloading' ? 700_000 : null,
      role: index % 3 === 1 ? 'assistant' : 'user',
      model_id: index % 3 === 1 ? of.model_id : null,
      keep: this.#kept.get(id) ?? (kind === 8 || this.#whole.has(of.id) ? true : null),
      problem: failed ? 'What the server has is not this file.' : null,
    };
  }
}
