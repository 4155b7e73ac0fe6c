import { CommandFailed } from './command.mjs';

const FIRST_SIGN_MS = 5_000;
const SIGN_EVERY_MS_MAX = 20_000;

/**
 * Runs one step and prints its name and how long it took. Prints the time from time to time while it runs. If it fails,
 * prints its output and name.
 *
 * @template T
 * @param {string} name @param {() => Promise<T>} work returns false if there was nothing to do
 * @returns {Promise<T>}
 */
export async function step(name, work) {
  const startedAtMs = performance.now();
  const seconds = () => `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`;
  let timer = /** @type {NodeJS.Timeout | undefined} */ (undefined);
  const giveSign = (/** @type {number} */ inMs) => {
    timer = setTimeout(() => {
      console.log(`${name}: ${seconds()} so far`);
      giveSign(Math.min(inMs * 2, SIGN_EVERY_MS_MAX));
    }, inMs);
  };
  giveSign(FIRST_SIGN_MS);
  try {
    const result = await work();
    console.log(`${name}: ${result === false ? 'nothing to do' : seconds()}`);
    return result;
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    if (error.output.trim() !== '') console.error(error.output.trimEnd());
    console.error(`${name} failed after ${seconds()}: ${error.message}`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
