/** One thing wrong with the environment. It never holds a value: any variable may have got a secret by mistake. */
export interface SettingsFault {
  readonly variable: string;
  readonly problem: string;
  readonly remedy: string;
}

/** Every fault of the environment at once, a line each in `message`. A retry does not help. */
export class SettingsError extends Error {
  readonly code = 'SETTINGS_INVALID';
  readonly faults: readonly SettingsFault[];

  constructor(faults: readonly SettingsFault[]) {
    const lines = faults.map(({ variable, problem, remedy }) => `  ${variable} ${problem}: ${remedy}`);
    super(['the environment has settings that cannot be used:', ...lines].join('\n'));
    this.name = 'SettingsError';
    this.faults = faults;
  }
}
