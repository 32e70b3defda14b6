/** Whatever goes wrong beyond the boundary arrives as one shape; the interface switches on `code`, never on text. */
import type { CommandError, ErrorCode } from './generated';

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid_input',
  'not_found',
  'bad_archive',
  'confirm_needed',
  'io',
  'disk_full',
  'busy',
  'newer_version',
  'damaged',
  'signed_out',
  'wrong_password',
  'wrong_code',
  'session_ended',
  'offline',
  'server_unsuitable',
  'maintenance',
  'suspended',
  'server_refused',
  'no_keyring',
  'no_model',
  'key_needed',
  'provider',
  'cancelled',
  'timed_out',
  'internal',
]);

export class CommandFailure extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(error: CommandError) {
    super(error.message);
    this.name = 'CommandFailure';
    this.code = error.code;
    this.retryable = error.retryable;
  }
}

function isCommandError(value: unknown): value is CommandError {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message } = value as Partial<CommandError>;
  return typeof code === 'string' && CODES.has(code) && typeof message === 'string';
}

/** Turns what was thrown into a failure. What has not the contract's shape is a defect of the app. */
export function toFailure(thrown: unknown): CommandFailure {
  if (thrown instanceof CommandFailure) return thrown;
  if (isCommandError(thrown)) {
    return new CommandFailure({ ...thrown, retryable: thrown.retryable === true });
  }
  const message = thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : 'Unknown error';
  return new CommandFailure({ code: 'internal', message, retryable: false });
}
