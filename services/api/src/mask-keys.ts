const API_KEY = /ct_[A-Za-z0-9_-]{16,}/g;

/**
 * Masks whatever looks like an API key, or much of one. For text that a client wrote and that goes into a log or back
 * into a body: clients put keys into paths and parameters too.
 */
export function maskKeys(text: string): string {
  return text.includes('ct_') ? text.replace(API_KEY, 'ct_***') : text;
}
