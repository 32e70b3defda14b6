import { describe, expect, it, vi } from 'vitest';
import { ipc } from '../../ipc/commands';
import type { ConversationRow, MessageView } from '../../ipc/generated';
import type { DraftFile } from '../../state/draft-files';
import { isSend, saveNote } from './writing';

describe('isSend', () => {
  const press = (part: KeyboardEventInit & { keyCode?: number }) => new KeyboardEvent('keydown', { key: 'Enter', ...part });

  it('sends on Enter alone', () => {
    expect(isSend(press({}))).toBe(true);
    expect(isSend(press({ shiftKey: true }))).toBe(false);
    expect(isSend(press({ key: 'a' }))).toBe(false);
  });

  it('never sends while an input method composes, in WebKit neither', () => {
    expect(isSend(press({ isComposing: true }))).toBe(false);
    expect(isSend(press({ keyCode: 229 }))).toBe(false);
  });
});

describe('saveNote', () => {
  const file = (name: string) => ({ key: name, name, source: { kind: 'dropped', ticket: name } }) as unknown as DraftFile;
  const bad = { code: 'io', message: 'It is gone.', retryable: false };

  it('keeps the files that could not be attached', async () => {
    vi.spyOn(ipc, 'addMessage').mockResolvedValue({ id: 'm' } as MessageView);
    vi.spyOn(ipc, 'attachFile').mockRejectedValueOnce(bad).mockResolvedValue({ id: 'm' } as MessageView);
    const files = [file('a'), file('b')];
    expect(await saveNote('c', 'two files', files)).toEqual([files[0]]);
  });

  it('saves nothing where nothing can be, and leaves no empty conversation', async () => {
    vi.spyOn(ipc, 'createConversation').mockResolvedValue({ id: 'new' } as ConversationRow);
    vi.spyOn(ipc, 'attachFile').mockRejectedValue(bad);
    const erase = vi.spyOn(ipc, 'eraseItems').mockResolvedValue(null);
    expect(await saveNote(null, '', [file('a')])).toBeNull();
    expect(erase).toHaveBeenCalledWith({ ids: ['new'] });
  });
});
