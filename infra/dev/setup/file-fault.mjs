/** @type {Record<string, string>} */
const REMEDIES = {
  EACCES: 'let this user write there, or run it as the owner',
  EPERM: 'let this user write there, or run it as the owner',
  EROFS: 'mount it so that it can be written',
  ENOSPC: 'make room on that disk',
  EDQUOT: 'make room within the quota',
  ENOTDIR: 'remove the file that lies in the way',
  EEXIST: 'remove the file that lies in the way',
  EISDIR: 'remove the folder that lies in the way',
  EMFILE: 'allow more open files (ulimit -n)',
  ENAMETOOLONG: 'take a folder with a shorter path',
};

/**
 * What the machine's files have against it, in one line with the remedy; undefined for what is another error, or no
 * fault of theirs.
 *
 * @param {unknown} error
 */
export function fileFault(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error ?? {});
  const remedy = REMEDIES[code ?? ''];
  return remedy === undefined ? undefined : `${message}; ${remedy}`;
}
