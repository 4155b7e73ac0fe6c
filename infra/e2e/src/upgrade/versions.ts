/** A version that this one must be able to replace, and to be replaced by, while calls come in. */
export interface VersionBefore {
  /** A commit or a tag of this repository. */
  revision: string;
  name: string;
}

/** docs/releasing.md says when to change these. */
export const VERSIONS_BEFORE: readonly VersionBefore[] = [
  { revision: 'df871a2', name: 'counters of the same format' },
  { revision: 'f45e5d2', name: 'counters without cells' },
];
