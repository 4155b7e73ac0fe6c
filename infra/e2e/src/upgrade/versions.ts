/** A version that this one must be able to replace, and to be replaced by, while calls come in. */
export interface VersionBefore {
  /** A whole commit id or a tag of this repository. */
  revision: string;
  name: string;
}

/** docs/releasing.md says when to change these. */
export const VERSIONS_BEFORE: readonly VersionBefore[] = [
  { revision: 'df871a2412c2265e9b419b6ae54d1cad4544c0d4', name: 'counters of the same format' },
  { revision: 'f45e5d2c933be46f9b525c46a47b8b4d10980131', name: 'counters without cells' },
];
