/** True where the process was asked to stop after its settings were checked. */
export function checkConfigOnly(argv: readonly string[]): boolean {
  return argv.includes('--check-config');
}
