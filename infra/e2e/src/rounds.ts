/** How often a fault happens that comes at random: with `TEST_ROUNDS=all`, as every night, three times as often as usual. */
export function rounds(all: number): number {
  return process.env.TEST_ROUNDS === 'all' ? all : Math.ceil(all / 3);
}
