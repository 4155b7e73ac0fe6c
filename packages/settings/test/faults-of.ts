import {
  type Environment,
  type Fragment,
  readSettings,
  SettingsError,
  type SettingsFault,
} from '../src/index.ts';

/** The faults that `env` has; none where it can be used. */
export function faultsOf(fragments: readonly Fragment[], env: Environment): readonly SettingsFault[] {
  try {
    readSettings(fragments, env);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
}
