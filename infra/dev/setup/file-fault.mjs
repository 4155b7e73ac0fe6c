/** @type {Record<string, string>} */
const REMEDIES = {
  EACCES: 'give this user write access, or run it as the owner',
  EPERM: 'give this user write access, or run it as the owner',
  EROFS: 'mount it so that it can be written',
  ENOSPC: 'make room on that disk',
  EDQUOT: 'make room within the quota',
  ENOTDIR: 'remove the file that is in the way',
  EEXIST: 'remove the file that is in the way',
  EISDIR: 'remove the folder that is in the way',
  EMFILE: 'allow more open files (ulimit -n)',
  ENAMETOOLONG: 'use a folder with a shorter path',
};

/**
 * The message of a file system error in one line with the remedy. Undefined for any other error.
 *
 * @param {unknown} error
 */
export function fileFault(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error ?? {});
  const remedy = REMEDIES[code ?? ''];
  return remedy === undefined ? undefined : `${message}; ${remedy}`;
}
