/**
 * Whether a key belongs to an input method that is still composing (Chinese, Japanese, Korean, dead keys): nothing else may
 * act on it. WebKit ends the composition before it sends the Enter that ended it, and tells so by the key code alone.
 */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
