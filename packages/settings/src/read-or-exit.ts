import { SettingsError } from './faults.ts';
import { type Fragment, readSettings, type Settings } from './read-settings.ts';

/** The settings of a service, from the environment. Prints what is wrong with them and exits, if anything is. */
export function settingsOrExit<const Fragments extends readonly Fragment[]>(
  fragments: Fragments,
): Settings<Fragments> {
  try {
    return readSettings(fragments, process.env);
  } catch (thrown) {
    if (!(thrown instanceof SettingsError)) throw thrown;
    console.error(thrown.message);
    process.exit(1);
  }
}
