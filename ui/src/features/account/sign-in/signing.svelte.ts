/**
 * Signing in, step by step: which server, which conversations come along, and who one is. Nothing is sent to a server
 * before its step was left by the user, and nothing here is changed before the server has let them in.
 */
import { ipc } from '../../../ipc/commands';
import type { CommandFailure } from '../../../ipc/errors';
import { toFailure } from '../../../ipc/errors';
import type { BuiltInServer, CheckOf, Provider, ServerCheck, SignInBy, SignInWaiting, Status, Take } from '../../../ipc/generated';
import { Picker } from './picker.svelte';

export type Step = 'server' | 'take' | 'who';
export type Way = 'password' | 'code';

const SERVER_KEY = 'airi.server';
/** Servers send the next code no sooner. */
export const RESEND_S = 60;

const PROVIDERS: readonly Provider[] = ['google', 'discord'];

/** One address is written in many ways. */
function sameServer(a: string, b: string): boolean {
  const plain = (url: string) => url.trim().replace(/\/+$/, '').toLowerCase();
  return plain(a) === plain(b);
}

/** People write an address without its scheme; only this very computer is spoken to in the clear. */
export function withScheme(address: string): string {
  const plain = address.trim();
  if (plain === '' || /^[a-z][a-z0-9+.-]*:\/\//i.test(plain)) return plain;
  return `${/^(localhost|127\.|\[::1\])/i.test(plain) ? 'http' : 'https'}://${plain}`;
}

export class Signing {
  step = $state<Step>('server');
  url = $state('');
  key = $state('');
  email = $state('');
  password = $state('');
  code = $state('');
  way = $state<Way>('password');
  take = $state<'all' | 'chosen' | 'none'>('all');
  /** The account in use lives at the new address from now on. */
  moved = $state(false);
  work = $state<'check' | 'send' | 'enter' | null>(null);
  failure = $state.raw<CommandFailure | null>(null);
  check = $state.raw<ServerCheck | null>(null);
  /** Whom a code was sent to. */
  sentTo = $state<string | null>(null);
  /** Seconds until the next code may be asked for. */
  wait = $state(0);
  /** The provider whose page is open in the browser. */
  provider = $state<Provider | null>(null);
  page = $state.raw<SignInWaiting | null>(null);
  /** Addresses that this computer was signed in to, so their keys are known. */
  known = $state.raw<string[]>([]);

  readonly picker = new Picker();
  /** Signing in again to the account of the profile in use. */
  readonly again: boolean;
  /** How many conversations without an account there are to take along. */
  readonly local: number;
  readonly #account: Status['account'];
  #checked = '';
  #ended = false;

  /** The server that the program was built for; null: none. */
  readonly offer: BuiltInServer | null;
  place = $state<'built_in' | 'own'>('own');

  constructor(status: Status | null, add: boolean, offer: BuiltInServer | null = null) {
    this.offer = offer;
    this.#account = status?.account ?? null;
    this.again = this.#account !== null && !add;
    this.local = this.#account === null ? (status?.conversations ?? 0) : 0;
    if (this.again && this.#account) {
      this.step = 'who';
      this.url = this.#account.url;
      this.email = this.#account.email;
    } else {
      this.url = localStorage.getItem(SERVER_KEY) ?? '';
      if (offer && (this.url === '' || sameServer(this.url, offer.url))) this.choosePlace('built_in');
    }
  }

  get steps(): Step[] {
    return this.local > 0 ? ['server', 'take', 'who'] : ['server', 'who'];
  }

  /** Another address than the one of the account in use: it may have moved there. */
  get elsewhere(): boolean {
    return this.again && this.#account !== null && !sameServer(this.url, this.#account.url);
  }

  get keyKnown(): boolean {
    return this.known.some((url) => sameServer(url, this.url));
  }

  get ready(): boolean {
    if (this.step === 'server') return this.url.trim() !== '' && (this.key.trim() !== '' || this.keyKnown);
    if (this.step === 'take') return this.take !== 'chosen' || this.picker.chosen.size > 0;
    if (this.email.trim() === '') return false;
    if (this.shownWay === 'password') return this.password !== '';
    return this.sentTo === null || this.code.trim() !== '';
  }

  /** What was looked at is still what stands in the fields. */
  get checkHolds(): boolean {
    return this.check !== null && this.#checked === this.#fields();
  }

  /** The last look found something missing, but nothing that keeps one from signing in. */
  get mayGoAnyway(): boolean {
    return this.checkHolds && this.check?.ok === false && !this.#isMissing('reachable') && !this.#isMissing('key');
  }

  /** Whether a server is known not to offer a way; what nobody could tell is offered. */
  offers(what: 'email' | 'code' | Provider): boolean {
    if (!this.checkHolds) return true;
    if (what !== 'email' && what !== 'code' && this.#isMissing('redirects')) return false;
    return !this.#isMissing(what);
  }

  get ways(): Way[] {
    return [...(this.offers('email') ? ['password' as const] : []), ...(this.offers('code') ? ['code' as const] : [])];
  }

  get shownWay(): Way | null {
    return this.ways.includes(this.way) ? this.way : (this.ways[0] ?? null);
  }

  get providers(): Provider[] {
    return PROVIDERS.filter((provider) => this.offers(provider));
  }

  /** Learns which keys are known, and which ways the server of a known account offers. */
  async begin(): Promise<void> {
    const profiles = await ipc.listProfiles().catch(() => []);
    this.known = profiles.flatMap(({ account }) => (account ? [account.url] : []));
    if (!this.again) return;
    const fields = this.#fields();
    // Only to leave out what would not work; when it cannot be told, everything is offered.
    const check = await ipc.checkServer({ url: null, key: null }).catch(() => null);
    if (check !== null && fields === this.#fields()) this.#keep(check);
  }

  /** Looks at the server, for the list. */
  async look(): Promise<boolean> {
    this.url = withScheme(this.url);
    return this.#do('check', async () => {
      const fields = this.#fields();
      const check = await ipc.checkServer({ url: this.url.trim(), key: this.key.trim() || null });
      if (fields === this.#fields()) this.#keep(check);
    });
  }

  /** What the main button of the step does. Resolves to the status once somebody is signed in. */
  async go(): Promise<Status | null> {
    if (!this.ready || this.work !== null) return null;
    if (this.step === 'server') await this.#leaveServer();
    else if (this.step === 'take') this.#to('who');
    else if (this.shownWay === 'password') return this.#enter({ password: { email: this.email.trim(), password: this.password } });
    else if (this.shownWay === 'code' && this.sentTo === null) await this.sendCode();
    else if (this.shownWay === 'code') return this.#enter({ code: { email: this.sentTo ?? '', code: this.code.trim() } });
    return null;
  }

  back(): void {
    if (this.step === 'take' || (this.step === 'who' && !this.steps.includes('take'))) this.#to('server');
    else if (this.step === 'who') this.#to('take');
  }

  /** The server of the build, or an address of one's own. */
  choosePlace(place: 'built_in' | 'own'): void {
    this.place = place;
    const offer = place === 'built_in' ? this.offer : null;
    this.url = offer?.url ?? '';
    this.key = offer?.key ?? '';
    this.failure = null;
  }

  changeServer(): void {
    this.#to('server');
  }

  choose(way: Way): void {
    this.way = way;
    this.failure = null;
  }

  async sendCode(): Promise<void> {
    if (this.wait > 0) return;
    const email = this.email.trim();
    await this.#do('send', async () => {
      await ipc.sendCode({ url: this.url.trim(), key: this.key.trim(), email });
      this.sentTo = email;
      this.code = '';
      this.wait = RESEND_S;
    });
  }

  /** One second has gone by. */
  tick(): void {
    if (this.wait > 0) this.wait -= 1;
  }

  otherAddress(): void {
    this.sentTo = null;
    this.code = '';
    this.failure = null;
  }

  /** Opens the provider's page in the browser and waits for its end. */
  async enterWith(provider: Provider): Promise<Status | null> {
    if (this.work !== null) return null;
    this.provider = provider;
    this.page = null;
    const status = await this.#enter({ provider });
    this.provider = null;
    return status;
  }

  /** The browser was asked to open a page. */
  opened(page: SignInWaiting): void {
    if (this.provider !== null) this.page = page;
  }

  /** Ends the waiting for the browser; the sign-in then ends as cancelled. */
  async cancel(): Promise<void> {
    if (this.provider !== null) await ipc.cancelSignIn().catch(() => null);
  }

  /** The dialog was closed. */
  end(): void {
    this.#ended = true;
    void this.cancel();
  }

  get ended(): boolean {
    return this.#ended;
  }

  async #leaveServer(): Promise<void> {
    const after: Step = this.local > 0 ? 'take' : 'who';
    this.url = withScheme(this.url);
    // Seen already, and the user goes on all the same.
    if (this.mayGoAnyway) return this.#to(after);
    if (!this.checkHolds && !(await this.look())) return;
    if (this.checkHolds && this.check?.ok) {
      localStorage.setItem(SERVER_KEY, this.url.trim());
      this.#to(after);
    }
  }

  async #enter(by: SignInBy): Promise<Status | null> {
    let status: Status | null = null;
    await this.#do('enter', async () => {
      status = await ipc.signIn({
        url: this.url.trim(),
        key: this.key.trim(),
        by,
        take: this.#taken(),
        new_address: this.elsewhere && this.moved,
      });
      localStorage.setItem(SERVER_KEY, this.url.trim());
    });
    return status;
  }

  #taken(): Take {
    if (this.local === 0) return 'none';
    return this.take === 'chosen' ? { chosen: [...this.picker.chosen] } : this.take;
  }

  #to(step: Step): void {
    this.step = step;
    this.failure = null;
  }

  #keep(check: ServerCheck): void {
    this.check = check;
    this.#checked = this.#fields();
  }

  #fields(): string {
    return JSON.stringify([this.url.trim(), this.key.trim()]);
  }

  #isMissing(what: CheckOf): boolean {
    return this.check?.checks.find((one) => one.what === what)?.state === 'missing';
  }

  async #do(work: 'check' | 'send' | 'enter', act: () => Promise<void>): Promise<boolean> {
    if (this.work !== null) return false;
    this.work = work;
    this.failure = null;
    try {
      await act();
      return true;
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.code !== 'cancelled') this.failure = failure;
      return false;
    } finally {
      this.work = null;
    }
  }
}
