/**
 * Does both, one after the other; who goes first changes with every round, so that what drifts (caches, heat, other
 * work of the machine) falls on both alike.
 */
export async function takeTurns<Ours, Other>(
  round: number,
  ours: () => Promise<Ours>,
  other: () => Promise<Other>,
): Promise<{ ours: Ours; other: Other }> {
  if (round % 2 === 1) {
    const first = await ours();
    return { ours: first, other: await other() };
  }
  const first = await other();
  return { ours: await ours(), other: first };
}
