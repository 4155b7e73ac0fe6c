/** One thing wrong with the environment. Never holds a value: any variable may contain a misplaced secret. */
export interface SettingsFault {
  readonly variable: string;
  readonly problem: string;
  readonly remedy: string;
}

/** All faults of the environment, one per line in `message`. A retry does not help. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly code = 'SETTINGS_INVALID';

  constructor(readonly faults: readonly SettingsFault[]) {
    const lines = faults.map(({ variable, problem, remedy }) => `  ${variable} ${problem}: ${remedy}`);
    super(['the environment has invalid settings:', ...lines].join('\n'));
  }
}

/**
 * Reports a fault between variables. Ignored if one of them is already at fault, because it would only repeat that in
 * other words.
 */
export type ReportFault = (variables: readonly string[], problem: string, remedy: string) => void;
