import { beforeEach, expect, it, vi } from 'vitest';
import { ipc } from '../../../ipc/commands';
import { CommandFailure } from '../../../ipc/errors';
import type { Check, CheckOf, ConversationPage, ServerCheck, Status } from '../../../ipc/generated';
import { RESEND_S, Signing, withScheme } from './signing.svelte';

const account = { url: 'https://airi.example.org', email: 'mira@example.org', user_id: 'u', signed_in: false, session_in: 'keyring' };

function status(part: Partial<Status> = {}): Status {
  return { profile: 'p', account: null, sync: 'local', message: '', conversations: 3, messages: 0, attachments: 0, outbox: 0, wedged: 0, parked: 0, cursor: null, indexed: true, last_sync: null, progress: null, paused: false, audit: null, ...part };
}

function check(missing: CheckOf[] = []): ServerCheck {
  const needed: CheckOf[] = ['reachable', 'key', 'migrations'];
  const all: CheckOf[] = ['reachable', 'key', 'email', 'code', 'google', 'discord', 'redirects', 'migrations'];
  const checks = all.map((what): Check => ({ what, state: missing.includes(what) ? 'missing' : 'ok', needed: needed.includes(what), message: '', todo: null }));
  return { url: '', signed_in: false, ok: !missing.some((what) => needed.includes(what)), checks };
}

beforeEach(() => {
  localStorage.clear();
  vi.spyOn(ipc, 'listProfiles').mockResolvedValue([]);
  vi.spyOn(ipc, 'checkServer').mockResolvedValue(check());
});

function filled(part: Partial<Status> = {}): Signing {
  const signing = new Signing(status(part), false);
  signing.url = 'airi.example.org';
  signing.key = 'k';
  return signing;
}

async function atWho(part: Partial<Status> = {}): Promise<Signing> {
  const signing = filled(part);
  await signing.go();
  if (signing.step === 'take') await signing.go();
  return signing;
}

it('writes the scheme that people leave out', () => {
  expect(withScheme(' airi.example.org ')).toBe('https://airi.example.org');
  expect(withScheme('localhost:54321')).toBe('http://localhost:54321');
  expect(withScheme('127.0.0.1:54321')).toBe('http://127.0.0.1:54321');
  expect(withScheme('http://airi.local')).toBe('http://airi.local');
  expect(withScheme('')).toBe('');
});

it('asks which conversations come along only where there are some without an account', async () => {
  const some = filled();
  expect(some.steps).toEqual(['server', 'take', 'who']);
  await some.go();
  expect(some.step).toBe('take');
  const none = filled({ conversations: 0 });
  await none.go();
  expect(none.step).toBe('who');
  const other = new Signing(status({ account: { ...account, signed_in: true } }), true);
  expect(other.steps).toEqual(['server', 'who']);
  expect(other.email).toBe('');
});

it('stays where no server answers, and lets the user go on where only something else is missing', async () => {
  vi.mocked(ipc.checkServer).mockResolvedValue(check(['reachable']));
  const down = filled();
  await down.go();
  await down.go();
  expect(down.step).toBe('server');
  vi.mocked(ipc.checkServer).mockResolvedValue(check(['migrations']));
  const old = filled();
  await old.go();
  expect([old.step, old.mayGoAnyway]).toEqual(['server', true]);
  // Another address is another server: nothing is known of it.
  old.url = 'https://new.example.org';
  expect(old.mayGoAnyway).toBe(false);
  old.url = 'https://airi.example.org';
  await old.go();
  expect(old.step).toBe('take');
});

it('offers what the server has, and everything where nobody could tell', async () => {
  vi.mocked(ipc.checkServer).mockResolvedValue(check(['email', 'google']));
  const some = await atWho();
  expect([some.ways, some.shownWay, some.providers]).toEqual([['code'], 'code', ['discord']]);
  vi.mocked(ipc.checkServer).mockResolvedValue(check(['redirects']));
  expect((await atWho()).providers).toEqual([]);
  vi.mocked(ipc.checkServer).mockRejectedValue(new CommandFailure({ code: 'offline', message: '', retryable: true }));
  const again = new Signing(status({ account }), false);
  await again.begin();
  expect([again.ways.length, again.providers.length]).toEqual([2, 2]);
});

it('needs no key for a server that was used before', async () => {
  vi.mocked(ipc.listProfiles).mockResolvedValue([{ name: 'a', in_use: false, account, conversations: 0, unsent: 0, problem: null }]);
  const signing = filled();
  signing.key = '';
  expect(signing.ready).toBe(false);
  await signing.begin();
  signing.url = 'https://AIRI.example.org/';
  expect(signing.ready).toBe(true);
});

it('sends what was chosen and nothing else', async () => {
  const page: ConversationPage = { conversations: [], next: null, total: 0 };
  vi.spyOn(ipc, 'listConversations').mockResolvedValue(page);
  const signIn = vi.spyOn(ipc, 'signIn').mockResolvedValue(status());
  const signing = filled();
  await signing.go();
  signing.take = 'chosen';
  expect(signing.ready).toBe(false);
  signing.picker.toggle('b');
  signing.picker.toggle('c');
  signing.picker.toggle('b');
  await signing.go();
  signing.email = ' mira@example.org ';
  signing.password = ' spaces count ';
  expect(await signing.go()).not.toBeNull();
  expect(signIn).toHaveBeenCalledWith({
    url: 'https://airi.example.org',
    key: 'k',
    by: { password: { email: 'mira@example.org', password: ' spaces count ' } },
    take: { chosen: ['c'] },
    new_address: false,
  });
  expect(new Signing(status(), false).url).toBe('https://airi.example.org');
});

it('says a new address only for an account that has moved', async () => {
  const signIn = vi.spyOn(ipc, 'signIn').mockResolvedValue(status());
  const signing = new Signing(status({ account }), false);
  signing.password = 'p';
  signing.moved = true;
  await signing.go();
  expect(signIn.mock.lastCall![0]).toMatchObject({ url: account.url, key: '', take: 'none', new_address: false });
  signing.url = 'https://new.example.org';
  await signing.go();
  expect(signIn.mock.lastCall![0].new_address).toBe(true);
  signing.moved = false;
  await signing.go();
  expect(signIn.mock.lastCall![0].new_address).toBe(false);
});

it('sends a code to one address and signs in with it there, also when the field has changed meanwhile', async () => {
  const send = vi.spyOn(ipc, 'sendCode').mockResolvedValue(null);
  const signIn = vi.spyOn(ipc, 'signIn').mockResolvedValue(status());
  const signing = await atWho();
  signing.choose('code');
  signing.email = 'a@example.org';
  await signing.go();
  expect(signing.sentTo).toBe('a@example.org');
  await signing.sendCode();
  expect(send).toHaveBeenCalledTimes(1);
  for (let second = 0; second < RESEND_S; second += 1) signing.tick();
  await signing.sendCode();
  expect(send).toHaveBeenCalledTimes(2);
  signing.email = 'b@example.org';
  signing.code = ' 123456 ';
  await signing.go();
  expect(signIn.mock.lastCall![0].by).toEqual({ code: { email: 'a@example.org', code: '123456' } });
});

it('is silent about what the user stopped, and plain about everything else', async () => {
  const signing = await atWho();
  const signIn = vi.spyOn(ipc, 'signIn').mockRejectedValue(new CommandFailure({ code: 'cancelled', message: '', retryable: true }));
  expect(await signing.enterWith('google')).toBeNull();
  expect([signing.failure, signing.provider]).toEqual([null, null]);
  signIn.mockRejectedValue(new CommandFailure({ code: 'timed_out', message: '', retryable: true }));
  await signing.enterWith('google');
  expect(signing.failure?.code).toBe('timed_out');
});

it('ends the waiting for the browser when the dialog is closed', async () => {
  const cancel = vi.spyOn(ipc, 'cancelSignIn').mockResolvedValue(null);
  const signing = await atWho();
  signing.end();
  expect(cancel).not.toHaveBeenCalled();
  let refuse: (thrown: unknown) => void = () => undefined;
  vi.spyOn(ipc, 'signIn').mockReturnValue(new Promise((_, reject) => (refuse = reject)));
  const entering = signing.enterWith('discord');
  signing.opened({ url: 'https://airi.example.org/auth', problem: null });
  expect(signing.page?.url).toContain('/auth');
  signing.end();
  expect(cancel).toHaveBeenCalledTimes(1);
  refuse(new CommandFailure({ code: 'cancelled', message: '', retryable: true }));
  expect(await entering).toBeNull();
});

it('offers the server of the build, and an address of one’s own beside it', async () => {
  const offer = { url: 'https://sync.airi.example', key: 'sb_publishable_x' };
  const signing = new Signing(status({ conversations: 0 }), false, offer);
  expect([signing.place, signing.url, signing.key, signing.ready]).toEqual(['built_in', offer.url, offer.key, true]);
  signing.choosePlace('own');
  expect([signing.url, signing.key, signing.ready]).toEqual(['', '', false]);
  signing.choosePlace('built_in');
  await signing.go();
  expect(signing.step).toBe('who');
  localStorage.setItem('airi.server', 'https://mine.example.org');
  const mine = new Signing(status(), false, offer);
  expect([mine.place, mine.url]).toEqual(['own', 'https://mine.example.org']);
  const again = new Signing(status({ account }), false, offer);
  expect([again.place, again.url]).toEqual(['own', account.url]);
});
