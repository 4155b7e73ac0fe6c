import { readFileSync } from 'node:fs';

/** The supported releases, from the root package.json: `^20.19.0 || ^22.12.0 || >=24.0.0`. */
const { engines } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

/**
 * The Node versions to test: of the newest release the newest version, as in the images, and of every older release the
 * oldest supported version.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const TESTED = { 20: '20.19.0', 22: '22.12.0', 24: '24.21.0' };

/** Whether this Node is supported. @param {string} version such as `22.12.0` */
export function isSupported(version) {
  return engines.node.split(' || ').some((/** @type {string} */ range) => {
    const [, sign, least = ''] = /^(\^|>=)(\d+\.\d+\.\d+)$/.exec(range) ?? [];
    if (sign === '^' && Number.parseInt(version, 10) !== Number.parseInt(least, 10)) return false;
    return version.localeCompare(least, 'en', { numeric: true }) >= 0;
  });
}

export const supportedText = engines.node;
